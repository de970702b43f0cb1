import { shellWord } from "../text/shell.ts"
import { type Place, valuesOf } from "./Place.ts"

/** The texts for bash. */

/**
 * Defines `d` and `dport`, which ask by HTTP. What answers must know the proof that the daemon has written beside its
 * socket, which it says only to a client that has read its other word: another program at the port knows neither. The proof
 * comes first, within a limit; the rest is in one piece, and is read without one, which is three times as fast. Works under
 * `set -eu`, with any IFS. No pattern is matched by `=~`, which would set BASH_REMATCH.
 */
export const bashFunctions = (place: Place): string => `# d and dport for bash, made by: d shell bash
unalias d dport 2>/dev/null || :
__dport_pipe=$(trap -p PIPE)
__dport_env=${valuesOf(place)}
function __dport_ask {
  local LC_ALL=C socket port ask proof registry head text rest
  REPLY=
  [[ ${valuesOf(place)} == "$__dport_env" && \${AUTOMATELINUX_DAEMON-} != never ]] || return 1
  for socket in ${place.sockets.map(shellWord).join(" ")}; do
    [[ -f $socket.http && -O $socket.http && ! -L $socket.http && ! ${shellWord(place.settingsFile)} -nt $socket ]] || continue
    { IFS=' ' read -r port ask proof registry <"$socket.http"; } 2>/dev/null || continue
    [[ -n $proof && $registry == ${place.registry} ]] || continue
    case $port in '' | *[!0-9]*) continue ;; esac
    head=$'HTTP/1.1 200 OK\\r\\nx-ports-proof: '"$proof"$'\\r\\n' text= rest=
    # Another program may close at once: without this, the signal would end the shell.
    trap '' PIPE
    {
      {
        printf 'GET %s HTTP/1.1\\r\\nHost: 127.0.0.1:%s\\r\\nX-Ports-Ask: %s\\r\\nConnection: close\\r\\n\\r\\n' "$1" "$port" "$ask" >&3 &&
          IFS= read -r -t "$2" -N "\${#head}" text <&3 && [[ $text == "$head" ]] && IFS= read -r -N 9999999 rest <&3
      } 3<>"/dev/tcp/127.0.0.1/$port"
    } 2>/dev/null || :
    eval "\${__dport_pipe:-trap - PIPE}"
    [[ $rest == *$'\\r\\n\\r\\n'*$'\\n' ]] || continue
    REPLY=\${rest#*$'\\r\\n\\r\\n'}
    return 0
  done
  return 1
}
function __dport_port {
  local LC_ALL=C
  case $1 in '' | [!A-Za-z0-9]* | *[!A-Za-z0-9._-]*) return 1 ;; esac
  __dport_ask "/api/ports/$1?plain" 2 || return 1
  REPLY=\${REPLY%$'\\n'}
  case $REPLY in '' | 0* | *[!0-9]* | ??????*) return 1 ;; esac
}
function dport {
  if [[ $# == 0 ]]; then
    REPLY=$(command d url) || return
    REPLY=\${REPLY##*:}
    REPLY=\${REPLY%%/*}
    printf '%s\\n' "$REPLY"
  elif [[ $# != 1 || $1 == -* ]]; then
    printf 'error: dport takes one key\nhint: dport KEY\n' >&2
    REPLY=
    return 2
  elif ! __dport_port "$1"; then
    REPLY=$(command d getPort --key "$1")
  fi
}
function d {
  local key='' REPLY
  case "$#:\${1-}:\${2-}" in
    2:get:* ) key=$2 ;;
    3:getPort:--key | 3:get:--key) key=$3 ;;
    2:getPort:--key=*) key=\${2#--key=} ;;
  esac
  if [[ $key == *[!0-9]* ]] && __dport_port "$key"; then
    printf '%s\\n' "$REPLY"
  else
    command d "$@"
  fi
}
`

/** Completes the words of `d` and `dport`. Asks by HTTP if `d shell` has defined how, and otherwise the program. */
export const bashCompletions = `# Completions of d (automatelinux-ports) for bash, made by: d completions bash
__d_complete() {
  local LC_ALL=C REPLY='' IFS=$' \\t\\n' word words='' kind rest count typed=\${COMP_WORDS[COMP_CWORD]}
  local -a given=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  [[ \${COMP_WORDS[0]##*/} == dport ]] && given=(getPort --key "$typed")
  COMPREPLY=()
  for word in "\${given[@]}"; do
    case $word in *[!A-Za-z0-9._/:@+=-]*) words=, && break ;; esac
    words+=,$word
  done
  { declare -F __dport_ask && [[ $words != , || \${#given[@]} == 1 && -z $typed ]] &&
    __dport_ask "/api/complete?shell=bash&words=\${words#,}" 0.2; } >/dev/null ||
    REPLY=$(command d __complete bash "\${given[@]}" 2>/dev/null)
  kind=\${REPLY%%$'\\n'*} rest=\${REPLY#*$'\\n'} count=\${kind##* }
  case $kind in
    'd-complete words'*)
      IFS=$'\\n'
      [[ $rest == "$kind" ]] && rest=''
      case $- in
        *f*) COMPREPLY=($rest) ;;
        *) set -f && COMPREPLY=($rest) && set +f ;;
      esac
      IFS=$' \\t\\n'
      [[ $kind == *inline && $COMP_WORDBREAKS != *=* ]] && COMPREPLY=("\${COMPREPLY[@]/#/\${typed%%=*}=}")
      ;;
    'd-complete files'*) compopt -o default ;;
    'd-complete directories'*) compopt -o dirnames ;;
    'd-complete command'*)
      if [[ $count == 1 ]]; then
        mapfile -t COMPREPLY < <(compgen -c -- "$typed")
      elif declare -F _command_offset >/dev/null; then
        _command_offset $((COMP_CWORD - count + 1))
      else
        compopt -o default
      fi
      ;;
  esac
  return 0
} 2>/dev/null
complete -F __d_complete d dport automatelinux-ports
`
