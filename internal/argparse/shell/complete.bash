# bash completion for @PROG@

@FUNCTION@() {
    local answer line
    answer=$("${1/#\~/$HOME}" __complete bash "${COMP_LINE:0:COMP_POINT}" "${COMP_WORDS[COMP_CWORD]}" 2>/dev/null) || return
    COMPREPLY=()
    case $answer in :files*) return ;; esac
    compopt +o default 2>/dev/null
    while IFS= read -r line; do
        [ -z "$line" ] || COMPREPLY+=("$line")
    done <<<"$answer"
    case ${COMPREPLY[0]-} in *=) compopt -o nospace 2>/dev/null ;; esac
}

complete -o default -F @FUNCTION@ @PROG@
