#!/bin/sh
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
git init -q . 2>&1
seq 20000 >numbers
git add .
GIT_AUTHOR_DATE="1000000000 +0000" GIT_COMMITTER_DATE="1000000000 +0000" git -c user.name=a -c user.email=b commit -qm first
git log -p --format=%T | sha256sum
