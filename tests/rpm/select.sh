# shellcheck shell=bash
# The same packages as `dnf upgrade-minimal --security` and `dnf upgrade --security` (tests/cases/rpm, first half).
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/rpmpkg"
. "$TESTS/testbed/rpmrepo"
. "$TESTS/testbed/agent"
. "$TESTS/testbed/rpmcase"

rpmrepo_start
for file in "$TESTS"/cases/rpm/[a-m]*.case; do
	rpmcase "$file"
done

done_testing
