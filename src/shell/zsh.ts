import { shellWord } from "../text/shell.ts"
import { type Place, valuesOf } from "./Place.ts"

/** The texts for zsh. */

/** Asks at the daemon's own socket, which must be this user's; the answer must be a daemon's, about this key. */
const ASK = (place: Place) => `function __dport_ask {
  emulate -L zsh
  trap '' PIPE
  local socket text chunk
  local -i fd
  REPLY=
  [[ ${valuesOf(place)} == "$__dport_env" && \${AUTOMATELINUX_DAEMON-} != never ]] || return 1
  for socket in ${place.sockets.map(shellWord).join(" ")}; do
    [[ -S $socket && -O $socket && ! ${shellWord(place.settingsFile)} -nt $socket ]] || continue
    zsocket $socket 2>/dev/null || continue
    fd=$REPLY REPLY= text=
    print -ru $fd -- "$1,"${shellWord(`"registry":${place.fingerprint}}`)} 2>/dev/null &&
      while sysread -t $2 -i $fd -s 65536 chunk 2>/dev/null; do
        text+=$chunk
        [[ -n $3 && $text == *$'\\n' ]] && break
      done
    exec {fd}>&-
    REPLY=$text
    [[ $text == *$'\\n' ]] && return 0
  done
  return 1
}
`

/**
 * Defines `d` and `dport`. The names are quoted against aliases, which zsh expands when it reads the whole text; what is
 * called sets its own options.
 */
export const zshFunctions = (place: Place): string => `# d and dport for zsh, made by: d shell zsh
unalias d dport 2>/dev/null || :
zmodload -F zsh/net/socket b:zsocket 2>/dev/null && zmodload -F zsh/system b:sysread 2>/dev/null || :
typeset -g __dport_env=${valuesOf(place)} REPLY=\${REPLY-}
${ASK(place)}function __dport_port {
  emulate -L zsh
  local key=$1
  [[ $key == [A-Za-z0-9]* && $key != *[^A-Za-z0-9._-]* ]] || return 1
  __dport_ask '{"command":"getPort","format":"json","key":"'$key'"' 2 line || return 1
  [[ $REPLY == '{"ok":true,"version":"'*'","result":{"key":"'"$key"'","port":'<1-65535>'}}'$'\\n' ]] || return 1
  REPLY=\${\${REPLY##*:}%%\\}*}
}
function __dport_complete {
  emulate -L zsh
  local word json=
  for word in "$@"; do
    [[ $word == *[[:cntrl:]]* ]] && return 1
    json+=",\\"\${\${word//\\\\/\\\\\\\\}//\\"/\\\\\\"}\\""
  done
  __dport_ask '{"command":"complete","shell":"zsh","words":['"\${json#,}"']' 0.2 '' && [[ $REPLY == 'd-complete '* ]]
}
function 'dport' {
  emulate -L zsh
  if [[ $# == 0 ]]; then
    REPLY=$('command' 'd' url) || return
    REPLY=\${\${REPLY##*:}%%/*}
    print -r -- "$REPLY"
  elif [[ $# != 1 || $1 == -* ]]; then
    print -ru2 -- $'error: dport takes one key\nhint: dport KEY'
    REPLY=
    return 2
  elif ! __dport_port "$1"; then
    REPLY=$('command' 'd' getPort --key "$1")
  fi
}
function 'd' {
  local key='' REPLY=''
  case "$#:\${1-}:\${2-}" in
    (2:get:*) key=$2 ;;
    (3:getPort:--key|3:get:--key) key=$3 ;;
    (2:getPort:--key=*) key=\${2#--key=} ;;
  esac
  if [[ $key == *[^0-9]* ]] && __dport_port "$key"; then
    print -r -- "$REPLY"
  else
    'command' 'd' "$@"
  fi
}
if [[ -n \${functions[compdef]-} && -n \${functions[_d]-} ]]; then compdef _d d dport; fi
`

/** Completes the words of `d` and `dport`. Asks at the socket if `d shell` has defined how, and otherwise the program. */
export const zshCompletions = `#compdef d dport automatelinux-ports
# Completions of d (automatelinux-ports) for zsh, made by: d completions zsh
_d() {
  local REPLY= text kind
  local -i count
  local -a typed lines found shown
  typed=("\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}")
  (( CURRENT == 2 )) && typed=("\${(Q)PREFIX}")
  [[ \${words[1]:t} == dport ]] && typed=(getPort --key "\${(Q)PREFIX}")
  if (( $+functions[__dport_complete] )) && __dport_complete "\${(@)typed}"; then
    text=$REPLY
  else
    text=$(command d __complete zsh "\${(@)typed}" 2>/dev/null)
  fi
  lines=("\${(@f)text}")
  kind=$lines[1]
  shift lines
  lines=("\${(@)lines:#}")
  [[ $kind == *' inline' ]] && compset -P '*='
  case $kind in
    ('d-complete words'*)
      (( $#lines )) || return 1
      found=("\${(@)lines%%$'\\t'*}") shown=("\${(@)lines#*$'\\t'}")
      if [[ "$found" == "$shown" ]]; then
        compadd -a found
      else
        compadd -l -d shown -a found
      fi
      ;;
    ('d-complete files'*) _files ;;
    ('d-complete directories'*) _files -/ ;;
    ('d-complete command'*)
      count=\${kind##* }
      shift $((CURRENT - count)) words
      CURRENT=$count
      _normal
      ;;
    (*) return 1 ;;
  esac
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _d "$@"
else
  compdef _d d dport automatelinux-ports
fi
`
