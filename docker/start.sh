#!/bin/sh
# Starts the orchestrator of compose.yaml, after making what has to be there: the secrets, which no image and no repository
# knows, and FreeSWITCH's configuration. A secret that is there stays; the configuration becomes that of this version and of
# the settings, and counts when FreeSWITCH starts the next time or `orchestrator reload` has it read.
set -eu
umask 027
settings=${1:-/etc/orchestrator/orchestrator.yaml}
state=/var/lib/orchestrator

secret() { # path below $state, command that prints it
  file=$state/$1
  [ -s "$file" ] && return
  # Into place as a whole: a start that is broken off leaves no half secret.
  sh -c "$2" > "$file.new"
  mv "$file.new" "$file"
  echo "made $file"
}
# FreeSWITCH pastes its password into XML, so it is of digits and letters.
hexadecimal="head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n'"
secret event-socket/password "$hexadecimal"
secret secrets/api_key "$hexadecimal"
secret metrics/orchestrator_metrics_key "$hexadecimal"
secret secrets/signing_key "head -c 32 /dev/urandom | base64"
# There is a volume for it where Grafana is part of it (compose.monitoring.yaml).
if [ -w "$state/grafana" ]; then secret grafana/password "$hexadecimal"; fi

# FreeSWITCH may start at any moment: each file comes whole, and last the one that its container waits for.
orchestrator render -c "$settings" --conf-dirs

exec orchestrator run -c "$settings"
