#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs durable_queue twice with one file: examples/kit/durable_queue.sh PROGRAM...
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$@" "$folder/mails.db"
"$@" "$folder/mails.db"
