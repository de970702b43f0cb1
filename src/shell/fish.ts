/** The texts for fish, which has no sockets: its functions ask the program. */

export const fishFunctions = `# d and dport for fish, made by: d shell fish
functions --erase d
abbr --erase d 2>/dev/null
function dport --description 'Set REPLY to the port of a key'
    if test (count $argv) -eq 0
        command d url | read --global REPLY
        and set --global REPLY (string replace --regex '.*:(\\d+).*' '$1' -- $REPLY)
        and echo $REPLY
    else if test (count $argv) -ne 1; or string match --quiet -- '-*' $argv[1]
        printf 'error: dport takes one key\nhint: dport KEY\n' >&2
        set --global REPLY
        return 2
    else
        command d getPort --key $argv[1] | read --global REPLY
        return $pipestatus[1]
    end
end
`

/** Completes the words of `d` and `dport`. */
export const fishCompletions = `# Completions of d (automatelinux-ports) for fish, made by: d completions fish
function __d_complete
    set -l before (commandline --current-process --tokenize --cut-at-cursor)
    set -l typed (commandline --current-token --cut-at-cursor)
    set -l given $before[2..] "$typed"
    test "$before[1]" = dport
    and set given getPort --key "$typed"
    set -l lines (command d __complete fish $given 2>/dev/null)
    set -l kind (string split ' ' -- $lines[1])
    test "$kind[1]" = d-complete
    or return
    set -l value (string replace --regex '^--[^=]*=' '' -- "$typed")
    switch "$kind[2]"
        case words
            set -e lines[1]
            string join \\n -- $lines
        case files
            __fish_complete_path "$value"
        case directories
            __fish_complete_directories "$value" ''
        case command
            set -l all $before "$typed"
            set -l rest (string escape -- $all[(math -1 \\* $kind[3])..-2]) "$typed"
            complete --do-complete (string join ' ' -- $rest)
    end
end
complete --command d --erase
complete --command d --no-files --arguments '(__d_complete)'
complete --command dport --no-files --arguments '(__d_complete)'
complete --command automatelinux-ports --no-files --arguments '(__d_complete)'
`
