# fish completion for @PROG@

function @FUNCTION@
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l answer ($words[1] __complete fish $words[2..-1] "$current" 2>/dev/null)
    or return
    if not string match -q ':files *' -- "$answer[1]"
        printf '%s\n' $answer
        return
    end
    set -l length (string replace ':files ' '' -- $answer[1])
    set -l stem (string sub -l $length -- "$current")
    for path in (__fish_complete_path (string sub -s (math $length + 1) -- "$current"))
        printf '%s%s\n' "$stem" $path
    end
end

complete -c @PROG@ -f -a '(@FUNCTION@)'
