# shellcheck shell=bash
# Completion in bash, zsh and fish is what --help says, for each mode; and what a shell does with it.
. "$(dirname "$0")/../lib.sh"

S=$BUILD/stopgap
C=$BUILD/packaging/completion
PATH=$BUILD:$PATH

# options MODE   its options as --help has them, a long one that takes a value with its =
options() {
	"$S" ${1:+"$1"} --help | sed -n 's/^  \(-[a-zA-Z], \)\{0,1\}\(--[a-z-]*=\{0,1\}\).*/\1 \2/p' | tr -d ',' | tr ' ' '\n' | sed '/^$/d' | sort -u
}
modes=$("$S" --help | sed -n '/^Modes:/,/^$/s/^  \([a-z-]*\) .*/\1/p')
assert_le 9 "$(wc -w <<<"$modes")" "number of modes"

# ---------------------------------------------------------------------------------------------------- bash

# shellcheck disable=SC1091 # made by the build
. "$C/bash/stopgap"
# shellcheck disable=SC2317 # called by it
compopt() { :; } # bash has it only while it completes
# offered WORD…   what is offered for the last word; bash makes --output=x three words
offered() {
	trap - ERR
	COMP_WORDS=(stopgap "$@") COMP_CWORD=$# COMPREPLY=()
	_stopgap
	printf '%s\n' "${COMPREPLY[@]}" | sed '/^$/d' | sort -u
}
offers() { # WANT WORD…
	local want=$1
	shift
	assert_streq "$(offered "$@" | tr '\n' ' ')" "$want${want:+ }" "offered for 'stopgap $*'"
}

assert_streq "$(complete -p stopgap)" 'complete -F _stopgap stopgap'
assert_streq "$(offered '')" "$(sort <<<"$modes")" "modes"
assert_streq "$(offered -)" "$(options '')" "options before a mode"
for mode in $modes; do
	assert_streq "$(offered "$mode" -)" "$(options "$mode")" "options of $mode"
	assert_streq "$(offered --quiet "$mode" -)" "$(options "$mode")" "options of $mode after another"
done
ok "bash: every mode, and every option of each"

offers 'json nagios text' once --output = ''
offers 'json nagios text' once --output =
offers 'json nagios text' once --output ''
offers json once --output = j
offers 'json nagios openmetrics text' status --output = ''
offers 'json text' config --output = ''
offers 'json text' once --verbose --log-format = ''
offers never run --before-start = ''
offers '--dry-run' once --output = json --dr
offers '--dry-run' once --output json --dr
offers '' once --limit = ''
offers '' once ''
offers 'trust.accept_expired= trust.max_metadata_age= trust.require_signed=' once --set = trust.
assert_streq "$(offered once --set = '' | tr -d =)" "$(PATH=/usr/bin:/bin "$S" config --config "$TESTS/data/empty.conf" | cut -d' ' -f1 | sort)" settings
offers root run --user = roo
ok "bash: values are the ones accepted"

cd "$T"
mkdir folder
touch file
offers 'file folder' once --config = f
offers folder copy-to f
offers prlimit run -- prlimi
offers 'file folder' run -- env f
offers 'file folder' run env f
offers '' run -- env --quie
# A mode that starts another in containers is completed with that one's options after --.
for mode in $modes; do
	inner=$("$S" "$mode" --help | sed -n '1s/.*-- \([a-z|]*|[a-z]*\) .*/\1/p' | tr '|' ' ')
	[ -n "$inner" ] || continue
	offers "$(tr ' ' '\n' <<<"$inner" | sort | tr '\n' ' ' | sed 's/ $//')" "$mode" web -- ''
	assert_streq "$(offered "$mode" --quiet web -- "${inner%% *}" -)" "$(options "${inner%% *}")" "options of the inner mode"
done
ok "bash: files, folders, commands, and modes within modes"

# ---------------------------------------------------------------------------------------------------- fish

fish_offers() { # LINE
	HOME=$T XDG_CONFIG_HOME=$T fish --no-config -c "source '$C/fish/stopgap.fish'; complete -C '$1'" | cut -f1 | sort
}
assert_streq "$(fish_offers 'stopgap ')" "$(sort <<<"$modes")" "modes"
for mode in $modes; do
	assert_streq "$(fish_offers "stopgap $mode --")" "$(options "$mode" | sed -n 's/^\(--[^=]*\)=*$/\1/p')" "options of $mode"
done
assert_streq "$(fish_offers 'stopgap once --output=' | tr '\n' ' ')" '--output=json --output=nagios --output=text '
assert_streq "$(fish_offers 'stopgap once --set=trust.a')" '--set=trust.accept_expired='
ok "fish: every mode, option and value"

# ----------------------------------------------------------------------------------------------------- zsh

mkdir "$T/zsh"
cp "$C/zsh/_stopgap" "$T/zsh/"
# A shell on a terminal of its own, asked for its list; what it prints between two marks is the answer.
cat >"$T/ask.zsh" <<'Z'
zmodload zsh/zpty
zpty z "PS1= ZDOTDIR=$1 TERM=dumb zsh -f -i"
zpty -w z "fpath=($1/zsh \$fpath); autoload -Uz compinit; compinit -u -d $1/zcompdump; unsetopt zle_bracketed_paste beep"
zpty -w z 'compadd () { local -a got; if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return; fi
	builtin compadd -A got "$@"; print -rl -- "<"${^got}">"; builtin compadd "$@" }'
zpty -w z 'ask () { print -r "<<<"; zle complete-word; print -r ">>>" }; zle -N ask; bindkey "^T" ask; print READY'
while zpty -r z line; do [[ $line == *READY* && $line != *print* ]] && break; done
zpty -n -w z "$2"$'\C-T'
while zpty -r z line; do
	print -r -- "$line"
	[[ $line == *'>>>'* ]] && break
done
zpty -d z
Z
zsh_offers() { timeout 60 zsh -f "$T/ask.zsh" "$T" "$1" | tr -d '\r' | sed -n 's/^<\([^<>]*\)>$/\1/p' | sort -u; }
zsh -n "$C/zsh/_stopgap" || fail "zsh cannot read it"
assert_streq "$(zsh_offers 'stopgap ')" "$(sort <<<"$modes")" "modes"
for mode in $modes; do
	assert_streq "$(zsh_offers "stopgap $mode --")" "$(options "$mode" | sed -n 's/^\(--[^=]*\)=*$/\1/p')" "options of $mode"
done
assert_streq "$(zsh_offers 'stopgap once --output=' | tr '\n' ' ')" 'json nagios text '
assert_streq "$(zsh_offers 'stopgap once --set=trust.' | tr '\n' ' ')" \
	'trust.accept_expired trust.max_metadata_age trust.require_signed '
ok "zsh: every mode, option and value"

done_testing
