#!/usr/bin/env bash
# Takes the samples out of documents, and fails where one has no mark that says how it is tested.
#
#   extract.sh FOLDER DOCUMENT…
#
# A sample stands between fences. Behind the first one there is
#
#   c program NAME     a whole program; FOLDER/NAME.c, whose main is main_NAME
#   c function NAME    functions with what they need; FOLDER/NAME.c, which also includes samples.h
#   cpp program NAME, cpp function NAME  the same in C++, FOLDER/NAME.cpp and samples.hpp
#   python sample NAME  in Python: python/tests/test_guide.py runs it
#   sh run NAME        commands for a shell; FOLDER/NAME.sh
#   sh make            commands that are nothing but make and a target, after a password at the most; added to FOLDER/targets
#   text               no sample: nothing that calls the library
#
# FOLDER/samples.inc lists the ones in C as SAMPLE(NAME), FOLDER/samples_cpp.inc those in C++. Of one name there is one in
# each language.
set -euo pipefail

folder=$1
shift
rm -rf "$folder"
mkdir -p "$folder"
touch "$folder/samples.inc" "$folder/samples_cpp.inc"
awk -v folder="$folder" '
  function fail(why) {
    print FILENAME ":" FNR ": " why ": " $0 > "/dev/stderr"
    inside = 0 # or the end would tell of it again
    exit 1
  }
  function begin(name, ending) {
    if (name !~ /^[a-z_]+$/ || (name ending) in seen) fail("no name, or one that another sample has")
    seen[name ending] = 1
    file = folder "/" name ending
    printf "" > file
  }
  function begin_c(name, first, ending) {
    begin(name, ending)
    print "SAMPLE(" name ")" > (folder (ending == ".c" ? "/samples.inc" : "/samples_cpp.inc"))
    printf "%s\n#line %d \"%s\"\n", first, FNR + 1, FILENAME > file
  }
  FNR == 1 { if (inside) fail("the sample before has no end"); blank = 1 }
  !inside && blank && /^(    |\t)/ { fail("a sample that is not between fences") }
  /^ *(```|~~~)/ {
    if (inside) {
      inside = 0
      file = ""
      next
    }
    inside = 1
    if (NF == 3 && $1 == "```c" && $2 == "program") begin_c($3, "#define main main_" $3, ".c")
    else if (NF == 3 && $1 == "```c" && $2 == "function") begin_c($3, "#include \"samples.h\"", ".c")
    else if (NF == 3 && $1 == "```cpp" && $2 == "program") begin_c($3, "#define main main_" $3, ".cpp")
    else if (NF == 3 && $1 == "```cpp" && $2 == "function") begin_c($3, "#include \"samples.hpp\"", ".cpp")
    else if (NF == 3 && $1 == "```python" && $2 == "sample") begin($3, ".py")
    else if (NF == 3 && $1 == "```sh" && $2 == "run") begin($3, ".sh")
    else if ($0 == "```sh make") file = folder "/targets"
    else if ($0 != "```text") fail("a sample without a mark that says how it is tested")
    next
  }
  inside && file != "" { print > file }
  inside && file == "" && /(pop3_[a-z_0-9]+ *\(|#include)/ { fail("a sample that is said to be none") }
  { blank = !inside && /^ *$/ }
  END { if (inside) fail("the sample has no end") }
' "$@"
