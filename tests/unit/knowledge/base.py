"""A small base of runbooks in two languages, and questions whose answers are known: what the tests of retrieval are held against."""

from __future__ import annotations

DOCUMENTS: dict[str, str] = {
    "pool-en": """# Connection pool exhaustion of the order service
Services: order-service.

## Symptoms
Requests wait longer than 3 seconds and the log shows `Timeout waiting for idle object`. The gauge `pool_active` stays at its maximum.

## Mitigation
First raise `max_pool_size` from 50 to 80 on every instance. If waiting does not end within five minutes, restart the instances one at a time, never all at once.

## Ownership
The order team is on call around the clock; the database administrators must approve any value above 120.
""",
    "cert-en": """# Renewing TLS certificates at the edge
## Schedule
Certificates of the public gateway are valid for 90 days and are renewed 21 days before they expire.

## Manual renewal
When automatic renewal fails, run `edge-cert renew --all` on the bastion, then reload the gateway. The old certificate is kept for two days so that it can be put back.

## Verification
Open the site from outside the network and compare the serial number with the inventory.
""",
    "backup-en": """# Backup and restore of the billing database
## Retention
Full backups are taken every Sunday at 02:00 and kept for 35 days. Write-ahead logs are kept for 9 days.

## Restore drill
Each quarter the standby is rebuilt from a backup. The drill has to finish within four hours; the last one took 2 hours and 40 minutes.

| step | who | minutes |
|---|---|---|
| fetch backup | storage team | 40 |
| replay logs | database team | 90 |
| compare row counts | billing team | 30 |
""",
    "dns-en": """# Name resolution failures inside the cluster
## Symptoms
Pods report `no such host` for internal names while external names work. The resolver restarts or its memory limit is reached.

## What to do
Scale the resolver deployment to six replicas and raise its memory limit to 512Mi. Then delete the node-local cache pods so that they start fresh.
""",
    "canary-en": """# Releasing with a canary
## Steps
Send five percent of the traffic to the new version for thirty minutes. If the error rate is more than twice that of the old version, roll back at once with `shipctl rollback`.

## Freeze
No release goes out from Friday noon until Monday morning, nor during the autumn sale.
""",
    "disk-en": """# Disk full on log hosts
## Diagnosis
Look for deleted files that a process still holds open: `lsof +L1`. Rotated logs that were not compressed are the usual reason.

## Cleaning up
Remove archives older than 14 days from /var/archive. Never delete the journal of the message broker by hand.
""",
    "redis-zh": """# 缓存雪崩应急手册
## 现象
大量键在同一时刻过期，数据库查询量在一分钟内上涨十倍，接口响应时间超过2秒。

## 处置步骤
先在网关开启限流，把每秒请求数压到平时的一半；再给热点键加上随机过期时间，范围为300到900秒。最后分批预热缓存。

## 负责人
缓存平台组负责处置，值班电话见内部通讯录。
""",
    "mq-zh": """# 消息积压处理流程
## 判断
当消费组的积压超过十万条，或者最老的消息超过十五分钟没有被消费时，视为积压。

## 处理
优先扩容消费者，副本数不超过分区数。如果是下游变慢导致的，先对下游降级，再恢复消费。禁止直接重置位点，除非业务方书面同意。
""",
    "slow-zh": """# 慢查询治理规范
## 定位
在数据库中打开慢日志，阈值设为200毫秒。用执行计划确认是否有全表扫描。

## 修复
为缺少索引的列补建索引，必须在业务低峰期进行，并由数据库管理员复核。单表数据量超过两千万行时要考虑分表。
""",
    "power-zh": """# 机房断电演练方案
## 频率
每半年演练一次，安排在凌晨一点到四点之间。

## 验收
不间断电源应当支撑至少三十分钟，柴油发电机须在九十秒内启动。任何一项不达标都要在两周内整改。
""",
    "perm-zh": """# 生产环境权限申请
## 流程
申请人在工单系统提交申请，写明原因和时长，由直属主管与安全组两级审批。临时权限最长八小时，到期自动收回。

## 审计
所有命令通过堡垒机执行，录像保留一百八十天。
""",
    "k8s-zh": """# 容器频繁重启排查
## 步骤
查看上一次退出的原因：如果是内存溢出，把内存限制提高一倍，同时导出堆转储交给开发分析；如果是存活探针失败，把探针超时从1秒放宽到5秒。

## 注意
不要在高峰期驱逐节点上的全部容器组。
""",
}

QUESTIONS: tuple[tuple[str, tuple[str, ...], bool], ...] = (
    ("How large may the connection pool of the order service be made?", ("pool-en",), False),
    ("What do I do when requests time out waiting for a pooled connection?", ("pool-en",), False),
    ("automatic certificate renewal failed, how to renew by hand", ("cert-en",), False),
    ("how long are billing backups kept", ("backup-en",), False),
    ("How long did the last restore drill take?", ("backup-en",), False),
    ("pods cannot resolve internal host names", ("dns-en",), False),
    ("When should a canary release be rolled back?", ("canary-en",), False),
    ("may we deploy on a Saturday", ("canary-en",), False),
    ("log server out of disk space what can be removed", ("disk-en",), False),
    ("大量缓存同时过期怎么处理", ("redis-zh",), False),
    ("消息堆积到多少算积压", ("mq-zh",), False),
    ("可以重置消费位点吗", ("mq-zh",), False),
    ("慢日志的阈值是多少", ("slow-zh",), False),
    ("机房停电演练多久做一次", ("power-zh",), False),
    ("临时权限最长能用多久", ("perm-zh",), False),
    ("容器总是重启，存活探针超时要改成多少", ("k8s-zh",), False),
    ("订单服务连接池耗尽怎么办", ("pool-en",), True),
    ("网关证书自动续期失败了如何手工更新", ("cert-en",), True),
    ("账单数据库的备份保留多少天", ("backup-en",), True),
    ("集群内部域名解析失败怎么排查", ("dns-en",), True),
    ("灰度发布什么情况下要回滚", ("canary-en",), True),
    ("日志机器磁盘写满了怎么清理", ("disk-en",), True),
    ("many cache keys expired at once and the database is overloaded", ("redis-zh",), True),
    ("how to handle a consumer backlog in the message queue", ("mq-zh",), True),
    ("what threshold is used for slow queries", ("slow-zh",), True),
    ("how often is the data center power outage drill", ("power-zh",), True),
    ("who approves access to production", ("perm-zh",), True),
    ("container keeps restarting because it runs out of memory", ("k8s-zh",), True),
)
"""A question, the documents that answer it, and whether it is asked in another language than theirs."""

UNANSWERABLE: tuple[str, ...] = (
    "What is the wifi password of the Berlin office?",
    "How large may the connection pool of the search service be?",
    "How do I rotate the Kafka broker keystore?",
    "Who won the football match yesterday?",
    "What is the retention of backups of the recommendation database?",
    "差旅报销需要几级审批？",
    "食堂几点开门？",
    "如何扩容Elasticsearch的分片？",
    "机房空调的温度设定是多少度？",
    "支付网关的证书由哪家机构签发？",
)
