#!/usr/bin/env bash
# The house keeps its rooms apart. Each rule below is one that a compiler does not keep by itself.
#
#   rooms.sh SOURCE BUILD COMPILER
#
# SOURCE is the top folder, BUILD a build folder without sanitizers whose rooms are built. Every
# rule prints its offenders, one a line; the exit status is 1 when there is any.
set -euo pipefail
export LC_ALL=C

source_folder=$(cd "$1" && pwd)
build=$(cd "$2" && pwd)
compiler=$3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$source_folder"

readonly PURE_ROOMS='base bus market trade sched coord'
readonly FILE_LINES_MAX=1000 FUNCTION_LINES_MAX=70 DOCUMENT_LINES_MAX=250

# The room that owns each foreign header.
foreign_owner() {
    case $1 in
    jansson.h) echo bus ;;
    yaml.h) echo conf ;;
    lua.h | lualib.h | lauxlib.h | luaconf.h) echo lua ;;
    openssl/*) echo digest ;;
    uv.h | uv/*) echo loop ;;
    dlfcn.h) echo plugin ;;
    curl/*) echo model ;;
    sqlite3.h | libpq-fe.h) echo store ;;
    esac
}

rules=0
broken=0

# rule TEXT FUNCTION [ARGUMENT...]: the rule holds when the function prints nothing.
rule() {
    local text=$1 offenders
    shift
    rules=$((rules + 1))
    offenders=$("$@" 2>&1) || offenders+="${offenders:+$'\n'}this could not be checked"
    if [ -z "$offenders" ]; then
        printf 'ok      %s\n' "$text"
    else
        printf 'BROKEN  %s\n' "$text"
        printf '        %s\n' "${offenders//$'\n'/$'\n'        }"
        broken=$((broken + 1))
    fi
}

# Files of the project: those of git where this is a checkout, else all that are no product.
project_files() {
    if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
        git ls-files --cached
    else
        find . \( -path ./build -o -name node_modules \) -prune -o -type f -print | sed 's|^\./||'
    fi
}
project_files | while IFS= read -r file; do
    [ ! -f "$file" ] || printf '%s\n' "$file"
done >"$scratch/files"
grep -E '^(host|plugins|tests)/.*\.[ch]$' "$scratch/files" >"$scratch/code"

# Prints C without comments and without the insides of strings, with the lines where they were.
code_only() {
    awk '
        {
            line = $0; out = ""
            while (line != "") {
                if (in_comment) {
                    end = index(line, "*/")
                    if (end == 0) { line = ""; break }
                    line = substr(line, end + 2); in_comment = 0
                } else if (match(line, /"([^"\\]|\\.)*"|\047([^\047\\]|\\.)*\047|\/\*|\/\//)) {
                    token = substr(line, RSTART, 2)
                    out = out substr(line, 1, RSTART - 1)
                    if (token == "//") { line = ""; break }
                    if (token == "/*") in_comment = 1
                    else out = out (substr(token, 1, 1) == "\"" ? "\"\"" : "0")
                    line = substr(line, RSTART + RLENGTH)
                } else { out = out line; line = "" }
            }
            print out
        }
    ' "$1"
}

# --- includes ------------------------------------------------------------------------------------

# Rooms that a room may use, out of host/CMakeLists.txt: the words after USES up to LINK.
rooms_used_by() {
    sed -n "s/^triplegain_room($1 \(.*\))\$/\1/p" host/CMakeLists.txt |
        sed -n 's/^\(.* \)\{0,1\}USES \(.*\)$/\2/p' | sed 's/ *LINK.*//'
}
rooms=$(sed -n 's/^triplegain_room(\([a-z]*\) .*/\1/p' host/CMakeLists.txt)

# Lines "FILE HEADER" for every #include in a folder.
includes_of() {
    grep -E "^$1" "$scratch/code" | while IFS= read -r file; do
        sed -nE "s|^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]([^>\"]*)[>\"].*|$file \\1|p" "$file"
    done
}

foreign_headers_at_home() {
    local file header owner
    includes_of '(host|plugins)/' | while read -r file header; do
        owner=$(foreign_owner "$header")
        if [ -n "$owner" ] && [[ $file != "host/$owner/"* ]]; then
            printf '%s: includes %s, which belongs to host/%s\n' "$file" "$header" "$owner"
        fi
    done
}

includes_of_rooms_used() {
    local room used file header
    for room in $rooms; do
        used=" $room $(rooms_used_by "$room") triplegain "
        includes_of "host/$room/" | while read -r file header; do
            if [[ $header == [a-z]*/* && -d host/${header%%/*} ]] &&
                [[ $used != *" ${header%%/*} "* ]]; then
                printf '%s: includes %s, but %s may use:%s\n' "$file" "$header" "$room" \
                    "${used% triplegain }"
            fi
        done
    done
}

plugins_include_public_header_alone() {
    local file header
    includes_of 'plugins/' | while read -r file header; do
        if [[ $header == [a-z]*/* && -d host/${header%%/*} ]]; then
            printf '%s: includes %s; a plugin sees triplegain/triplegain.h alone\n' "$file" "$header"
        fi
    done
}

private_headers_stay() {
    local file header
    includes_of '(host|plugins)/' | while read -r file header; do
        if [[ $header == */*_int.h ]]; then
            printf '%s: includes the private header %s\n' "$file" "$header"
        fi
    done
}

# compiles ROOM LINE: does a file with this one line compile with the folders that the build gives to
# the files of that room?
compiles() {
    local folders
    mapfile -t folders < <(grep -m 1 "/room_$1\.dir/" "$build/compile_commands.json" |
        grep -oE -- '-(I|isystem) ?[^ ]+')
    printf '%s\nextern int nothing;\n' "$2" >"$scratch/include.c"
    # shellcheck disable=SC2068 # "-isystem folder" is two words
    "$compiler" -std=c11 -D_GNU_SOURCE -fsyntax-only ${folders[@]} "$scratch/include.c" \
        2>"$scratch/said"
}

expect_to_compile() {
    compiles "$1" "#include \"$2\"" ||
        printf '%s does not see %s, which it may use: %s\n' "$1" "$2" "$(head -1 "$scratch/said")"
}

expect_not_to_compile() {
    if compiles "$1" "#include \"$2\""; then
        printf '%s sees %s, which it may not use\n' "$1" "$2"
    elif ! grep -q "$2" "$scratch/said"; then
        printf '%s: not for the sake of %s: %s\n' "$1" "$2" "$(head -1 "$scratch/said")"
    fi
}

# Every pair of rooms: a room's header is seen by exactly those that may use the room.
walls_between_rooms() {
    local room other used header
    for room in $rooms; do
        used=" $room $(rooms_used_by "$room") "
        for other in $rooms; do
            header=$(cd host && find "$other" -name '*.h' ! -name '*_int.h' | sort | head -1)
            [ -n "$header" ] || continue
            if [[ $used == *" $other "* ]]; then
                expect_to_compile "$room" "$header"
            else
                expect_not_to_compile "$room" "$header"
            fi
        done
    done
}

# --- purity --------------------------------------------------------------------------------------

# What a pure room may have from outside: memory, text, arithmetic, and what compilers add.
readonly PURE_SYMBOLS='
    _GLOBAL_OFFSET_TABLE_ __stack_chk_fail __errno_location
    __divti3 __modti3 __udivti3 __umodti3 __muloti4 __floattidf __floatuntidf __fixdfti __floatditf
    malloc calloc realloc free aligned_alloc
    memchr memcmp memcpy memmove memset memmem
    strchr strcmp strcspn strlen strncmp strnlen strpbrk strrchr strspn strstr strtod strtol strtoll
    strtoull snprintf vsnprintf qsort bsearch
    ceil cos exp fabs floor fmax fmin fmod frexp isfinite isinf isnan ldexp llround log log10 log1p
    log2 lrint lround modf nan nearbyint pow rint round sin sqrt tan trunc'

outside_symbols() {
    local room=$1
    nm --undefined-only "$build/host/libroom_$room.a" | awk 'NF == 2 { print $2 }' |
        sed -E 's/^__(.*)_chk$/\1/; s/^__isoc[0-9]+_//' | sort -u
}

pure_rooms_call_nothing_outside() {
    local room symbol
    nm --defined-only "$build"/host/libroom_*.a | awk 'NF == 3 { print $3 }' |
        sort -u >"$scratch/own"
    tr -s ' ' '\n' <<<"$PURE_SYMBOLS" | sort -u >"$scratch/allowed"
    for room in $PURE_ROOMS; do
        outside_symbols "$room" | comm -23 - "$scratch/own" | comm -23 - "$scratch/allowed" |
            while read -r symbol; do
                case $room:$symbol in
                base:abort | base:fprintf | base:stderr) ;; # a bug says where it is, and ends it all
                bus:json_*) ;;                              # jansson: text in memory to values and back
                *) printf '%s: calls %s\n' "$room" "$symbol" ;;
                esac
            done
    done
}

# Symbols in sections that are written to after start; tables of pointers are in .data.rel.ro.
pure_rooms_keep_nothing() {
    local room
    for room in $PURE_ROOMS; do
        objdump -t "$build/host/libroom_$room.a" | awk -v room="$room" '
            NF >= 5 && ($(NF - 2) ~ /^(\.data|\.bss|\.tdata|\.tbss|\*COM\*)/) &&
                $(NF - 2) !~ /^\.data\.rel\.ro/ && $NF !~ /^\./ {
                print room ": the variable " $NF " outlives the call"
            }'
    done
}

forbidden_functions() {
    local file
    while IFS= read -r file; do
        code_only "$file" | awk -v file="$file" '
            match($0, /(^|[^A-Za-z0-9_])(strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|atoll|atof|gets|localtime|gmtime|asctime|ctime)[ \t]*\(/) {
                print file ":" NR ": " substr($0, RSTART, RLENGTH) ")"
            }'
    done <"$scratch/code"
}

# --- sizes ---------------------------------------------------------------------------------------

files_too_long() {
    grep -E '\.(c|h|lua|mjs|sh)$|^dev$' "$scratch/files" | while IFS= read -r file; do
        awk -v file="$file" -v most="$FILE_LINES_MAX" '
            END { if (NR > most) print file ": " NR " lines, at most " most }' "$file"
    done
}

# A function is from the line of its name to the brace that closes it in the first column.
functions_too_long() {
    local file
    while IFS= read -r file; do
        awk -v file="$file" -v most="$FUNCTION_LINES_MAX" '
            /^[A-Za-z_].*\(/ && !/;[ \t]*$/ && !/^(typedef|struct|enum|union) [^(]*\{/ {
                start = NR; name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name)
            }
            /^\{/ { inside = start > 0 }
            /^\}/ {
                if (inside && NR - start + 1 > most)
                    print file ":" start ": " name " has " NR - start + 1 " lines, at most " most
                inside = start = 0
            }' "$file"
    done <"$scratch/code"
}

documents_too_long() {
    grep -E '^(docs/[^/]*|README)\.md$' "$scratch/files" | while IFS= read -r file; do
        awk -v file="$file" -v most="$DOCUMENT_LINES_MAX" '
            END { if (NR >= most) print file ": " NR " lines, fewer than " most " are allowed" }' "$file"
    done
}

# --- the checkout --------------------------------------------------------------------------------

# Folders of one machine. The names are put together here so that this file does not hold them.
machine_paths() {
    local slash=/ file
    grep -vE '^LICENSE$' "$scratch/files" | while IFS= read -r file; do
        grep -nIE "(^|[^A-Za-z0-9_.~\$}-])${slash}(work|root|home|Users)${slash}" "$file" |
            sed "s|^|$file:|" || true
    done
}

# A lock file without hosts: npm takes the registry that the machine is set to.
registry_hosts() {
    local file
    grep -E '(^|/)package-lock\.json$' "$scratch/files" | while IFS= read -r file; do
        grep -nE '"resolved"|https?://' "$file" | sed "s|^|$file:|" || true
    done
}

top_level() {
    local name
    sed 's|/.*||' "$scratch/files" | sort -u | while IFS= read -r name; do
        case $name in
        CMakeLists.txt | CMakePresets.json | host | plugins | scripts | config | tests | docs) ;;
        README.md | LICENSE | dev | .ci | .clang-format | .clang-tidy | .cppcheck | .editorconfig) ;;
        .gitattributes | .gitignore | .luacheckrc) ;;
        *) printf '%s does not belong at the top level\n' "$name" ;;
        esac
    done
}

[ -n "$rooms" ] || { echo "host/CMakeLists.txt names no room" && exit 1; }
[ -s "$scratch/code" ] || { echo "there is no C file under $source_folder" && exit 1; }
rule "foreign headers are included in the room that owns them" foreign_headers_at_home
rule "a room includes headers of the rooms that it may use" includes_of_rooms_used
rule "a room does not include another's private header" private_headers_stay
rule "a plugin sees the public header alone" plugins_include_public_header_alone
rule "a wrong include does not compile, an allowed one does" walls_between_rooms
rule "pure rooms call nothing outside but memory, text and arithmetic" pure_rooms_call_nothing_outside
rule "pure rooms keep nothing between calls" pure_rooms_keep_nothing
rule "no function that writes past its buffer or hides its errors" forbidden_functions
rule "no file has more than $FILE_LINES_MAX lines" files_too_long
rule "no function has more than $FUNCTION_LINES_MAX lines" functions_too_long
rule "every document has fewer than $DOCUMENT_LINES_MAX lines" documents_too_long
rule "no file names a folder of one machine" machine_paths
rule "no lock file names a host" registry_hosts
rule "the top level holds what belongs there" top_level
printf '%d rules, %d broken\n' "$rules" "$broken"
[ "$broken" -eq 0 ]
