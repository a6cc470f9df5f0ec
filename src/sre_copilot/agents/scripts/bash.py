"""Bash for common tasks: strict, quoted, and changing nothing unless called with --apply."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping

from sre_copilot.agents.scripts.task import ScriptTask

DUMPS = "/var/tmp"  # noqa: S108 - where a script puts dumps on its machine; survives a restart
KEPT_DAYS = 14  # of old logs: two weeks hold the last two releases of most teams
_HEAD = """\
#!/usr/bin/env bash
# {title}
{note}set -euo pipefail
"""
_DRY = """
apply=false
if [[ "${1:-}" == "--apply" ]]; then apply=true; fi
run() {
  if [[ "$apply" == true ]]; then
    "$@"
  else
    printf 'would run:'
    printf ' %q' "$@"
    printf '\\n'
  fi
}
"""


def script(task: ScriptTask) -> str:
    """The script of a task; '' where a value is missing that cannot be guessed."""
    made = _MADE.get(task.name)
    if made is None or (task.name in NEEDS_SERVICE and not task.service):
        return ""
    title, changes, body = made(task)
    note = "# Changes nothing unless it is called with --apply.\n" if changes else "# Reads only.\n"
    return _HEAD.format(title=title, note=note) + (_DRY if changes else "") + "\n" + body.strip() + "\n"


NEEDS_SERVICE = frozenset({"restart", "scale", "drain_node", "thread_dump", "heap_dump"})
Made = tuple[str, bool, str]


def _where(task: ScriptTask) -> str:
    return f"namespace={shlex.quote(task.namespace or 'default')}"


def _restart(task: ScriptTask) -> Made:
    name = shlex.quote(task.service)
    if task.kubernetes:
        body = f"""
deployment={name}
{_where(task)}
kubectl -n "$namespace" get deployment "$deployment" -o wide
run kubectl -n "$namespace" rollout restart "deployment/$deployment"
run kubectl -n "$namespace" rollout status "deployment/$deployment" --timeout=180s
"""
        return (
            f"Restart the deployment {task.service}, pod after pod, and wait until it is ready.",
            True,
            body,
        )
    body = f"""
service={name}
systemctl --no-pager status "$service" || true
run systemctl restart "$service"
if [[ "$apply" == true ]]; then
  sleep 5
  systemctl is-active --quiet "$service" || {{ journalctl -u "$service" -n 50 --no-pager; exit 1; }}
fi
"""
    return f"Restart {task.service} and make sure that it came back.", True, body


def _clear_cache(task: ScriptTask) -> Made:
    if "redis" in task.words.lower():
        body = """
host="${REDIS_HOST:-127.0.0.1}"
database="${REDIS_DATABASE:-0}"
prefix="${CACHE_PREFIX:?set CACHE_PREFIX to the beginning of the keys to remove}"
redis-cli -h "$host" -n "$database" --scan --pattern "${prefix}*" | while IFS= read -r key; do
  run redis-cli -h "$host" -n "$database" UNLINK "$key"
done
"""
        return "Remove the keys of one prefix from a Redis cache, little by little.", True, body
    folder = shlex.quote(task.path or f"/var/cache/{task.service or 'app'}")
    body = f"""
folder={folder}
[[ -d "$folder" ]] || {{ echo "no folder $folder" >&2; exit 1; }}
du -sh "$folder"
run find "${{folder:?}}" -xdev -mindepth 1 -type f -delete
"""
    return "Empty a folder of cached files, the folder itself stays.", True, body


def _free_disk(task: ScriptTask) -> Made:
    folder, days = shlex.quote(task.path or "/var/log"), task.days or KEPT_DAYS
    body = f"""
folder={folder}
days={days}
df -h "$folder"
du -xh --max-depth=2 "$folder" | sort -rh | head -n 15
find "${{folder:?}}" -xdev -type f \\( -name '*.gz' -o -name '*.log.[0-9]*' -o -name '*.old' \\) -mtime "+$days" -print
run find "${{folder:?}}" -xdev -type f \\( -name '*.gz' -o -name '*.log.[0-9]*' -o -name '*.old' \\) -mtime "+$days" -delete
df -h "$folder"
"""
    return (
        f"Show what fills {task.path or '/var/log'}, and delete rotated logs older than {days} days.",
        True,
        body,
    )


def _diagnostics(task: ScriptTask) -> Made:
    if task.kubernetes:
        selector = f" -l {shlex.quote(f'app={task.service}')}" if task.service else ""
        body = f"""
{_where(task)}
kubectl -n "$namespace" get pods{selector} -o wide
kubectl -n "$namespace" get events --sort-by=.lastTimestamp | tail -n 40
kubectl -n "$namespace" describe pods{selector} | head -n 200
kubectl -n "$namespace" logs{selector or ' "${POD:?set POD to the name of a pod}"'} --tail=200 --all-containers=true
kubectl top pods -n "$namespace" || true
"""
        return "Collect the state, events and logs of pods.", False, body
    unit = (
        f"journalctl -u {shlex.quote(task.service)} -n 200 --no-pager || true"
        if task.service
        else "journalctl -p err -n 100 --no-pager || true"
    )
    body = f"""
date -u
hostname
uptime
free -m
df -h
vmstat 1 3
ps aux --sort=-%cpu | head -n 15
ps aux --sort=-%mem | head -n 15
ss -s
dmesg -T | tail -n 40 || true
{unit}
"""
    return (
        "Collect what one looks at first on a machine: load, memory, disks, processes, connections, errors.",
        False,
        body,
    )


def _thread_dump(task: ScriptTask) -> Made:
    body = f"""
service={shlex.quote(task.service)}
pid="$(pgrep -of -- "$service")"
for round in 1 2 3; do
  echo "--- $round $(date -u +%FT%TZ)"
  jcmd "$pid" Thread.print
  sleep 5
done
"""
    return f"Print the threads of {task.service} three times, five seconds apart.", False, body


def _heap_dump(task: ScriptTask) -> Made:
    body = f"""
service={shlex.quote(task.service)}
folder={shlex.quote(task.path or DUMPS)}
pid="$(pgrep -of -- "$service")"
df -h "$folder"
run jcmd "$pid" GC.heap_dump "$folder/heap-$service-$(date -u +%Y%m%dT%H%M%SZ).hprof"
"""
    return f"Dump the heap of {task.service}; the process stands still meanwhile.", True, body


def _log_search(task: ScriptTask) -> Made:
    body = f"""
folder={shlex.quote(task.path or "/var/log")}
text={shlex.quote(task.text or "ERROR")}
find "$folder" -type f -name '*.log*' -mtime -{task.days or 1} -print0 | while IFS= read -r -d '' file; do
  count="$(zgrep -c -F -- "$text" "$file" || true)"
  if [[ "$count" -gt 0 ]]; then
    echo "== $file: $count"
    zgrep -n -F -- "$text" "$file" | tail -n 20
  fi
done
"""
    return "Search logs, compressed ones too, and show the last lines that match.", False, body


def _drain_node(task: ScriptTask) -> Made:
    body = f"""
node={shlex.quote(task.service)}
kubectl get node "$node" -o wide
kubectl get pods --all-namespaces --field-selector "spec.nodeName=$node" -o wide
run kubectl cordon "$node"
run kubectl drain "$node" --ignore-daemonsets --timeout=600s
"""
    return f"Move all pods off the node {task.service}; `kubectl uncordon` gives it back.", True, body


def _scale(task: ScriptTask) -> Made:
    body = f"""
deployment={shlex.quote(task.service)}
{_where(task)}
replicas={task.replicas if task.replicas is not None else '"${REPLICAS:?set REPLICAS}"'}
kubectl -n "$namespace" get deployment "$deployment"
run kubectl -n "$namespace" scale "deployment/$deployment" --replicas="$replicas"
run kubectl -n "$namespace" rollout status "deployment/$deployment" --timeout=180s
"""
    return f"Set the number of replicas of {task.service}.", True, body


def _rotate_logs(task: ScriptTask) -> Made:
    name = task.service or "app"
    body = f"""
configuration="$(mktemp)"
trap 'rm -f -- "$configuration"' EXIT
cat > "$configuration" <<'CONFIGURATION'
{task.path or f"/var/log/{name}"}/*.log {{
  daily
  rotate {task.days or KEPT_DAYS}
  compress
  delaycompress
  missingok
  notifempty
  copytruncate
}}
CONFIGURATION
logrotate --debug "$configuration"
run logrotate --verbose --state "/var/tmp/logrotate-{name}.state" "$configuration"
"""
    return f"Rotate the logs of {name}; {task.days or KEPT_DAYS} old ones are kept.", True, body


def _certificates(task: ScriptTask) -> Made:
    targets = shlex.quote(f"{task.service}:443") if task.service else ""
    body = f"""
days={task.days or 30}
status=0
for target in {targets} "$@"; do
  host="${{target%%:*}}"
  end="$(openssl s_client -connect "$target" -servername "$host" </dev/null 2>/dev/null | openssl x509 -noout -enddate || true)"
  if [[ -z "$end" ]]; then
    echo "$target: no certificate"
    status=1
    continue
  fi
  left=$(( ( $(date -d "${{end#notAfter=}}" +%s) - $(date +%s) ) / 86400 ))
  echo "$target: $left days left"
  if [[ "$left" -lt "$days" ]]; then status=1; fi
done
exit "$status"
"""
    return "Tell how long certificates are still valid; give targets as HOST:PORT.", False, body


def _backup(task: ScriptTask) -> Made:
    words = task.words.lower()
    stamp = "$(date -u +%Y%m%dT%H%M%SZ)"
    folder = shlex.quote(task.path or "/var/backups")
    if "mysql" in words:
        line = f'run mysqldump --single-transaction --routines --result-file="$folder/$database-{stamp}.sql" "$database"'
    elif "postgres" in words or "pg" in words or "database" in words or "数据库" in words:
        line = f'run pg_dump --format=custom --file="$folder/$database-{stamp}.dump" "$database"'
    else:
        body = f"""
source={folder}
target="${{BACKUP_DIR:?set BACKUP_DIR}}"
[[ -d "$source" ]] || {{ echo "no folder $source" >&2; exit 1; }}
run tar -czf "$target/backup-{stamp}.tar.gz" -C "$source" .
"""
        return "Pack a folder into an archive.", True, body
    body = f"""
database={shlex.quote(task.service or "app")}
folder={folder}
df -h "$folder"
{line}
"""
    return "Copy a database out into a file.", True, body


_MADE: Mapping[str, Callable[[ScriptTask], Made]] = {
    "restart": _restart, "clear_cache": _clear_cache, "free_disk": _free_disk, "diagnostics": _diagnostics, "thread_dump": _thread_dump, "heap_dump": _heap_dump,
    "log_search": _log_search, "drain_node": _drain_node, "scale": _scale, "rotate_logs": _rotate_logs, "certificates": _certificates, "backup": _backup,
}  # fmt: skip
