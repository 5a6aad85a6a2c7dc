#!/usr/bin/env bash
# Plants defects into the sources one by one, and has the unit tests find each: mutants.sh all|changed [OPTION…]
#
# .cargo/mutants.toml says where. OPTIONs are those of cargo mutants, as `--file src/text.rs`.
#
# `changed` takes what has changed since the commit that MUTANTS_BASE names. Without it that is the commit that a branch
# has in common with origin; on the main branch itself what the last merge was merged into, or else the newest tag, or
# 20 commits ago. It takes MUTANTS_SECONDS at the most, 120 if not set: of more defects than that is enough for, a part
# is planted, which part depends on the commit, so that the same commit always gets the same answer.
set -euo pipefail
cd "$(dirname "$0")/.."
what=$1
shift
target=${CARGO_TARGET_DIR:-$PWD/target}
work=$target/mutants
seconds=${MUTANTS_SECONDS:-120}
# seen on two slow processors: before the first defect, and for each
seconds_to_begin=60 seconds_each=4

find_base() {
  local common
  common=$(git merge-base HEAD origin/HEAD 2> /dev/null) || common=$(git rev-parse HEAD)
  if [ -n "${MUTANTS_BASE:-}" ]; then
    git rev-parse --verify --quiet "$MUTANTS_BASE^{commit}"
  elif [ "$common" != "$(git rev-parse HEAD)" ]; then
    echo "$common"
  elif git rev-parse --verify --quiet HEAD^2 > /dev/null; then
    git rev-parse HEAD^1
  else
    git describe --tags --abbrev=0 HEAD^ 2> /dev/null || git rev-parse --verify --quiet HEAD~20 ||
      git rev-list --max-parents=0 HEAD | tail -n 1
  fi
}
count() { # FILES OF THE REPORT…
  (cd "$work/mutants.out" && cat "$@" 2> /dev/null | wc -l)
}

mkdir -p "$work"
options=("$@")
time_limit=()
if [ "$what" = changed ]; then
  if ! git rev-parse --verify --quiet HEAD > /dev/null 2>&1; then
    echo "mutants: there is no history here, so nothing has changed"
    exit 0
  fi
  base=$(find_base) || { echo "mutants: there is no commit $MUTANTS_BASE" >&2; exit 1; }
  git diff "$base" -- src > "$work/diff"
  since="since $(git log -1 --format='%h (%s)' "$base")"
  if [ ! -s "$work/diff" ]; then
    echo "mutants: no source has changed $since"
    exit 0
  fi
  options+=(--in-diff "$work/diff")
  time_limit=(timeout --signal=INT --kill-after=20 "$seconds")
fi

cargo_mutants=$(tools/cargo_tool.sh cargo-mutants 25.3.1)
# A copy, always in the same place, so that cargo builds as little as possible anew. It gets a new date, since that of
# the last defect would be newer; and its results are its own, since cargo takes both for the same package.
tree=$work/tree
rm -rf "$tree" "$work/mutants.out"
mkdir "$tree"
tar --exclude=./target --exclude=./.git --exclude=./fuzz/target -c . | tar --touch -x -C "$tree"
cd "$tree"
export CARGO_TARGET_DIR=$work/build CARGO_PROFILE_DEV_DEBUG=none

if [ "$what" = changed ]; then
  planned=$("$cargo_mutants" mutants --in-place --list "${options[@]}" | wc -l)
  if [ "$planned" = 0 ]; then
    echo "mutants: nothing that defects are planted into has changed $since"
    exit 0
  fi
  parts=$((planned * seconds_each / (seconds > seconds_to_begin ? seconds - seconds_to_begin : 1) + 1))
  part=$((0x$(git -C "$OLDPWD" rev-parse --short=7 HEAD) % parts))
  echo "mutants: $planned defects in what has changed $since; part $((part + 1)) of $parts"
  options+=(--shard "$part/$parts")
fi
status=0
"${time_limit[@]}" "$cargo_mutants" mutants --in-place --no-shuffle --colors never --output "$work" "${options[@]}" \
  > "$work/log" 2>&1 || status=$?

found=$(count caught.txt timeout.txt) survived=$(count missed.txt) unviable=$(count unviable.txt)
case $status in
  0 | 2 | 3) reached= ;;
  # interrupted when its time was over
  124 | 137) reached=" when the time was over" ;;
  *)
    cat "$work/log" >&2
    exit 1
    ;;
esac
echo "mutants: $found found by the tests, $survived not found, $unviable do not compile$reached"
if [ "$survived" != 0 ]; then
  cat "$work/mutants.out/missed.txt" >&2
  exit 1
fi
