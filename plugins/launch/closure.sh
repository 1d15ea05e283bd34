#!/bin/sh
# closure.sh PROGRAM...   print the shared libraries that these programs need, and theirs, as `SONAME FILE`, sorted.
#
# $LDD is what lists them for another machine ("EMULATOR LOADER --list").
# The loader is one of them, under the file name that the programs ask for.  What is missing, and one name that leads to
# two files, end with a message and exit 1.
set -eu
export LC_ALL=C
unset LD_LIBRARY_PATH LD_PRELOAD

die() { echo "closure.sh: $*" >&2; exit 1; }

[ $# -gt 0 ] || { echo "usage: closure.sh PROGRAM..." >&2; exit 2; }
all=
for program; do
	[ -x "$program" ] || die "'$program' is missing; build or install it first"
	case $program in
	*/*) ;;
	*) program=./$program ;;
	esac
	one=$(${LDD:-ldd} "$program") || die "'$program' is not a program with shared libraries"
	case $one in
	*"statically linked"*) die "'$program' has no shared libraries" ;;
	esac
	all="$all$one
"
done

printf '%s' "$all" | awk '
	function fail(text) { print "closure.sh: " text >"/dev/stderr"; bad = 1 }
	$2 == "=>" && $3 == "not" { fail($1 " is missing; install its package"); next }
	$2 == "=>" { name = $1; file = $3 }
	$1 ~ /^\// && $2 ~ /^\(/ { name = file = $1 }
	file == "" { next }
	{
		sub(".*/", "", name)
		if (name in seen && seen[name] != file)
			fail(name " is both " seen[name] " and " file "; one bundle can hold one")
		seen[name] = file
		file = ""
	}
	END {
		for (name in seen)
			print name, seen[name] | "sort"
		close("sort")
		exit bad
	}'
