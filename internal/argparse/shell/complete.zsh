#compdef @PROG@

@FUNCTION@() {
    local answer
    answer=$("${~words[1]}" __complete zsh "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null) || return
    if [[ $answer == :files* ]]; then
        compset -p ${answer#:files }
        _files
        return
    fi
    [[ -z $answer ]] && return 1
    local -a found=() lines=() options=()
    local line
    for line in "${(@f)answer}"; do
        found+=("${line%%$'\t'*}")
        lines+=("${line/$'\t'/  -- }")
    done
    [[ $found[1] == *= ]] && options=(-S '')
    compadd -V @PROG@ -l -d lines "${options[@]}" -a found
}

if [[ $funcstack[1] == @FUNCTION@ ]]; then
    @FUNCTION@ "$@"
else
    compdef @FUNCTION@ @PROG@
fi
