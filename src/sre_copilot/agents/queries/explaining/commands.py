"""What common commands do, and which of them can do harm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sre_copilot.agents.queries.written import RiskLevel


@dataclass(frozen=True, slots=True)
class Known:
    """A command: what it does, and how dangerous it is by itself."""

    en: str
    zh: str
    level: RiskLevel = "none"


_TABLE = """
echo|prints text|输出文字|none
printf|prints text|输出文字|none
cat|prints files|输出文件内容|none
ls|lists files|列出文件|none
cd|changes the folder|切换目录|none
set|sets options of the shell|设置 shell 选项|none
grep|searches lines|搜索文本行|none
zgrep|searches lines of compressed files|搜索压缩文件中的文本行|none
awk|computes on lines|逐行处理文本|none
sort|sorts lines|排序|none
uniq|counts or drops repeated lines|去重或计数|none
head|takes the first lines|取开头几行|none
tail|takes the last lines|取末尾几行|none
wc|counts lines|统计行数|none
df|tells how full disks are|查看磁盘使用|none
du|tells how large folders are|查看目录大小|none
free|tells how much memory is used|查看内存|none
uptime|tells the load|查看负载|none
ps|lists processes|列出进程|none
top|lists busy processes|查看繁忙进程|none
vmstat|tells memory and processor activity|查看内存与 CPU 活动|none
iostat|tells disk activity|查看磁盘活动|none
ss|lists connections|列出连接|none
netstat|lists connections|列出连接|none
dmesg|prints messages of the kernel|查看内核消息|none
journalctl|prints logs of services|查看服务日志|none
date|prints the time|输出时间|none
hostname|prints the name of the machine|输出主机名|none
test|tests a condition|判断条件|none
[|tests a condition|判断条件|none
[[|tests a condition|判断条件|none
sleep|waits|等待|none
exit|ends|退出|none
read|reads input|读取输入|none
find|finds files|查找文件|none
jstack|prints the threads of a Java process|输出 Java 线程栈|low
jmap|dumps the heap of a Java process, which stops it for a while|导出 Java 堆（进程会短暂停顿）|medium
jcmd|asks a Java process|向 Java 进程发送诊断命令|low
gcore|dumps the memory of a process, which stops it for a while|导出进程内存（进程会短暂停顿）|medium
openssl|works with certificates|处理证书|none
mkdir|makes folders|创建目录|low
cp|copies files|复制文件|low
tar|packs or unpacks files|打包或解包文件|low
gzip|compresses files|压缩文件|low
touch|makes an empty file|创建空文件|low
tee|writes files|写文件|low
ln|makes links|创建链接|low
rsync|copies files, perhaps to another machine|同步文件，可能到其他机器|medium
scp|copies files to another machine|复制文件到其他机器|medium
ssh|runs something on another machine|在其他机器上执行命令|medium
curl|speaks over the network|访问网络|low
wget|loads from the network|从网络下载|low
nc|opens a raw network connection|建立原始网络连接|medium
mv|moves or replaces files|移动或覆盖文件|medium
sed|edits lines|编辑文本|none
chmod|changes who may use files|修改文件权限|medium
chown|changes who owns files|修改文件属主|medium
rm|deletes files|删除文件|medium
truncate|cuts files off|截断文件|medium
shred|destroys files for good|彻底销毁文件|high
kill|ends processes|结束进程|medium
pkill|ends processes by their name|按名称结束进程|high
killall|ends processes by their name|按名称结束进程|high
systemctl|manages services|管理系统服务|low
service|manages services|管理系统服务|low
supervisorctl|manages processes|管理进程|low
kubectl|manages Kubernetes|管理 Kubernetes|none
helm|manages releases in Kubernetes|管理 Helm 发布|low
docker|manages containers|管理容器|low
podman|manages containers|管理容器|low
redis-cli|speaks to Redis|访问 Redis|low
psql|speaks to PostgreSQL|访问 PostgreSQL|low
mysql|speaks to MySQL|访问 MySQL|low
pg_dump|copies a database out|导出 PostgreSQL 数据库|low
mysqldump|copies a database out|导出 MySQL 数据库|low
crontab|changes scheduled tasks|修改定时任务|medium
logrotate|rotates logs|轮转日志|low
iptables|changes the firewall|修改防火墙|high
nft|changes the firewall|修改防火墙|high
ip|shows or changes the network|查看或修改网络|low
sysctl|reads or changes settings of the kernel|读取或修改内核参数|medium
mount|mounts file systems|挂载文件系统|medium
umount|unmounts file systems|卸载文件系统|high
mkfs|formats a disk: all on it is lost|格式化磁盘，数据全部丢失|critical
dd|copies raw data; onto a disk it destroys what is there|复制原始数据；写入磁盘会破坏数据|high
fdisk|changes partitions|修改分区|critical
reboot|restarts the machine|重启机器|high
shutdown|stops the machine|关机|high
halt|stops the machine|关机|high
poweroff|stops the machine|关机|high
useradd|adds a user|添加用户|high
userdel|removes a user|删除用户|high
passwd|changes a password|修改密码|high
apt|installs or removes software|安装或卸载软件|medium
apt-get|installs or removes software|安装或卸载软件|medium
yum|installs or removes software|安装或卸载软件|medium
pip|installs software|安装软件|medium
git|works with versions|版本管理|low
eval|runs text as commands|把文本当作命令执行|high
sync|writes what is held in memory to disk|将缓存写入磁盘|none
"""
COMMANDS: Mapping[str, Known] = {
    name: Known(en, zh, level)  # type: ignore[arg-type]
    for name, en, zh, level in (line.split("|") for line in _TABLE.strip().splitlines())
}
_SUB: Mapping[tuple[str, str], tuple[str, str]] = {
    ("systemctl", "restart"): ("restarts a service", "重启服务"),
    ("systemctl", "stop"): ("stops a service", "停止服务"),
    ("systemctl", "status"): ("tells how a service is", "查看服务状态"),
    ("kubectl", "get"): ("lists objects of Kubernetes", "列出 Kubernetes 对象"),
    ("kubectl", "describe"): ("tells all about an object", "查看对象详情"),
    ("kubectl", "logs"): ("prints logs of a pod", "查看 Pod 日志"),
    ("kubectl", "delete"): ("deletes objects of Kubernetes", "删除 Kubernetes 对象"),
    ("kubectl", "drain"): ("moves all pods off a node", "驱逐节点上的 Pod"),
    ("kubectl", "cordon"): ("keeps new pods off a node", "禁止节点调度"),
    ("kubectl", "scale"): ("changes the number of replicas", "调整副本数"),
    ("kubectl", "apply"): ("changes the cluster to what a file says", "按文件变更集群"),
    ("kubectl", "rollout"): ("restarts, undoes or follows a rollout", "重启、回滚或查看发布"),
}
DANGEROUS: tuple[tuple[RiskLevel, str, str, str], ...] = (
    ("critical", r"\brm\s+(?:-\w+\s+)*(?:--no-preserve-root\s+)?(?:/|/\*|~|\$HOME|/(?:etc|usr|var|bin|boot|lib|home|root))/?(?:\s|$|;)", "Deletes a root folder of the system.", "删除系统根级目录。"),
    ("high", r"\brm\s+-\w*[rR]\w*[fF]?|\brm\s+-\w*[fF]\w*[rR]", "Deletes folders with all that is in them (rm -r).", "递归删除目录（rm -r）。"),
    ("high", r"\brm\s[^\n;|&]*\$\{?\w+\}?/?\*?(?:\s|$)(?<!:\?)", "Deletes what a variable names; if it is empty, something else goes.", "删除变量指向的路径；变量为空时会误删。"),
    ("high", r"\bfind\b[^\n]*\s-(?:delete|exec\s+rm)\b", "Deletes all files that are found.", "删除所有查找到的文件。"),
    ("critical", r">\s*/dev/(?:sd|nvme|vd|xvd)\w+|\bof=/dev/", "Writes over a disk.", "直接覆写磁盘。"),
    ("critical", r":\s*\(\)\s*\{\s*:\s*\|\s*:\s*&", "Starts processes without an end (fork bomb).", "无限创建进程（fork 炸弹）。"),
    ("high", r"\bsystemctl\s+(?:stop|restart|disable|mask)\b|\bservice\s+\S+\s+(?:stop|restart)\b|\bsupervisorctl\s+(?:stop|restart)\b", "Restarts or stops a service: requests fail meanwhile.", "重启或停止服务：期间请求会失败。"),
    ("high", r"\bkubectl\b[^\n]*\b(?:drain|delete)\b", "Ends pods or deletes objects of Kubernetes.", "结束 Pod 或删除 Kubernetes 对象。"),
    ("critical", r"\bkubectl\b[^\n]*\bdelete\b[^\n]*(?:--all\b|\b(?:ns|namespace|pvc|pv|crd)\b)", "Deletes a namespace, a volume or all objects.", "删除命名空间、存储卷或全部对象。"),
    ("medium", r"\bkubectl\b[^\n]*\b(?:scale|apply|patch|edit|rollout\s+(?:restart|undo)|set|cordon|annotate|label)\b", "Changes the cluster.", "会变更集群。"),
    ("medium", r"\bkubectl\b[^\n]*\bexec\b", "Runs something within a container.", "在容器内执行命令。"),
    ("high", r"\b(?:docker|podman)\s+(?:rm|rmi|stop|kill|system\s+prune|volume\s+rm)\b", "Stops or removes containers.", "停止或删除容器。"),
    ("high", r"\bhelm\s+(?:uninstall|delete|rollback)\b", "Removes or rolls back a release.", "卸载或回滚发布。"),
    ("medium", r"\b(?:UNLINK|DEL)\b", "Removes keys of Redis.", "删除 Redis 中的键。"),
    ("high", r"\b(?:FLUSHALL|FLUSHDB)\b", "Empties a Redis database.", "清空 Redis 数据库。"),
    ("critical", r"(?i)\bDROP\s+(?:TABLE|DATABASE|SCHEMA)\b|\bTRUNCATE\s+TABLE\b", "Destroys tables or a database.", "删除表或数据库。"),
    ("high", r"(?i)\bDELETE\s+FROM\b|\bUPDATE\s+\w+\s+SET\b", "Changes rows of a database.", "修改数据库数据。"),
    ("high", r"/proc/sys/vm/drop_caches", "Empties the caches of the kernel: disks are slow for a while.", "清空内核缓存：磁盘会短时变慢。"),
    ("high", r"\bkill\s+-(?:9|KILL|SIGKILL)\b", "Ends processes without letting them finish (kill -9).", "强制结束进程（kill -9）。"),
    ("high", r"\bchmod\s+(?:-R\s+)?0?777\b", "Lets everybody write (chmod 777).", "任何人可写（chmod 777）。"),
    ("high", r"\bchmod\s+-R\b|\bchown\s+-R\b", "Changes rights of whole folders.", "递归修改权限。"),
    ("high", r"\bcrontab\s+-r\b", "Removes all scheduled tasks.", "删除所有定时任务。"),
    ("medium", r"(?<![0-9&])>\s*(?!/dev/null|&|\()[\w$\"{/]", "Writes over a file.", "覆盖写文件。"),
    ("medium", r"\bsed\s+(?:-\w+\s+)*-i\b", "Edits files in place.", "就地修改文件。"),
)  # fmt: skip


def describe(argv: Sequence[str]) -> tuple[str, str]:
    """What a command does, in English and Chinese."""
    name = argv[0].rsplit("/", 1)[-1]
    for each in argv[1:4]:
        if (name, each) in _SUB:
            return _SUB[name, each]
    known = COMMANDS.get(name)
    return (
        (known.en, known.zh)
        if known
        else ("a program or function that is not known here", "未知的程序或函数")
    )
