"""A small development set: what people ask, and what is meant (the evaluation has its own, larger sets)."""

from __future__ import annotations

ONE = """
diagnose|what is causing the checkout failures
diagnose|checkout is timing out, what's going on?
diagnose|users can't pay since 3pm, help
diagnose|支付挂了,快看看
diagnose|支付从下午三点开始大量超时,帮忙定位一下
diagnose|收银台为什么报500
diagnose|investigate the payment outage this morning
diagnose|something's off with the mailer, find the root cause
diagnose|支付服务响应变慢的根因是什么
diagnose|帮我排查下库存服务昨晚的故障
diagnose|Which service is the root cause of the checkout errors?
diagnose|who is responsible for the spike in checkout latency at 14:00
diagnose|购物车今天上午怎么那么卡
diagnose|analyze the incident from 14:00 to 15:00
diagnose|分析一下下午2点到3点的故障
diagnose|why did cart-service restart
diagnose|支付失败率突然升高是怎么回事
anomalies|is everything ok?
anomalies|anything weird going on right now
anomalies|现在系统有没有问题
anomalies|支付正常吗
anomalies|how is checkout doing
anomalies|支付服务怎么样
anomalies|检查一下所有服务的健康状态
anomalies|which services look abnormal since noon?
anomalies|用孤立森林检测一下支付的异常
anomalies|are there any anomalies in the last 2 hours
anomalies|昨晚有异常吗
anomalies|give me a health check of payment
anomalies|有哪些服务不健康
metric|cpu of payment
metric|what's the p99 of checkout over the last hour
metric|支付最近半小时的错误率
metric|库存内存占用多少
metric|was checkout's network normal from 14:00 to 15:00?
metric|is payment slow?
metric|how many requests per second does checkout get
metric|which service has the highest error rate
metric|payment qps trend today
metric|购物车 QPS 今天最高是多少
metric|show me the latency of inventory yesterday
metric|支付的延迟超过500ms了吗
metric|did the error rate of payment exceed 5% today
metric|user-center 的线程数和连接数
logs|show logs of payment
logs|支付服务有什么报错日志
logs|search payment logs for "timeout"
logs|最近10分钟支付的日志里出现了哪些新模板
logs|any exceptions in checkout today?
logs|summarise the logs of inventory in the last hour
logs|what errors does payment log
logs|查一下包含 OutOfMemory 的日志
traces|slowest traces of checkout today
traces|show trace 4bf92f3577b34da6a3ce929d0e0e4736
traces|支付的慢调用
traces|which calls from checkout to payment failed
traces|一次下单请求的耗时都花在哪了
traces|top 5 slow spans of payment last hour
transactions|transaction success rate today
transactions|今天的交易量和成功率
transactions|支付宝渠道昨天的成功率
transactions|how many orders were placed between 2 and 3 pm
transactions|订单量有没有下跌
transactions|wechat channel transaction amount yesterday
host|how is host web-01 doing
host|10.2.3.4 这台机器的CPU高吗
host|disk usage of node db-3
host|which machines are low on disk
host|主机 app-07 负载怎么样
topology|what does checkout depend on
topology|支付的上下游有哪些
topology|who owns payment
topology|支付部署在哪些机器上
topology|which services call inventory
topology|payment 挂了会影响谁
topology|show me the topology
topology|blast radius of inventory
changes|what changed today
changes|最近有什么变更
changes|who deployed payment last night
changes|支付昨天上线了什么
changes|list deployments in the last 24 hours
changes|was there a config change on checkout before 15:00
changes|has anything been rolled back this week
kubernetes|are any pods crashlooping
kubernetes|payment 的 pod 重启了几次
kubernetes|哪些 Pod 处于 Pending
kubernetes|how many times did checkout restart today
kubernetes|namespace shop 里的副本数
kubernetes|k8s events in the last hour
forecast|will the disk of inventory be full tomorrow
forecast|预测支付未来三小时的CPU
forecast|when will memory of payment reach 90%
forecast|磁盘还能撑多久
forecast|how long until inventory runs out of disk
forecast|接下来哪个服务会出问题
forecast|what will break in the next hour
compare|compare checkout latency today with yesterday
compare|支付今天的错误率比昨天高吗
compare|对比一下支付发布前后的延迟
compare|is payment slower than last week
compare|payment error rate 14:00-15:00 versus 13:00-14:00
compare|和上周同期相比,支付QPS变化多少
knowledge|how do I handle a full disk
knowledge|支付超时怎么处理
knowledge|redis 主从切换的步骤
knowledge|what is an error budget
knowledge|什么是熔断
knowledge|runbook for checkout outage
knowledge|what should I do when payment is down
knowledge|数据库连接池耗尽的应急预案
similar|has this happened before
similar|以前支付出过类似问题吗
similar|find similar incidents to the payment outage
similar|上次购物车挂了是怎么解决的
similar|have we ever seen this error on checkout
incidents|what incidents are open
incidents|今天发生了哪些故障
incidents|当前有哪些告警
incidents|is the payment incident resolved
incidents|how many P1 alerts today
incidents|payment 恢复了吗
incidents|list active alerts
report|write a postmortem for the payment outage yesterday
report|生成今天的故障报告
report|give me a daily report
report|出一份支付故障的复盘
report|build a timeline of the incident from 14:00 to 15:00
report|帮我写本周的周报
code|write a bash script to clean up old logs
code|写个python脚本批量检查端口
code|create an alert rule for payment error rate above 5%
code|帮我生成一个 k8s deployment 的 yaml
code|script that restarts payment when memory is above 90%
write_query|give me a PromQL for payment error rate
write_query|用SQL查昨天支付失败的订单
write_query|把"支付最近五分钟的QPS"写成promql
write_query|write an elasticsearch query for errors of checkout
write_query|turn this into LogQL: errors of payment in the last hour
explain|explain this query: sum(rate(http_requests_total{job="payment"}[5m])) by (code)
explain|这段脚本是干什么的:rm -rf /var/log/*.gz
explain|what does this alert rule do: expr: up == 0
explain|解释一下 select count(*) from orders where status='failed'
explain|is it safe to run kubectl delete pod payment-1?
help|what can you do
help|你能做什么
help|help
help|有哪些命令
help|how do I use this
act|restart payment
act|把支付重启一下
act|please roll back checkout to the previous version
act|支付扩容到5个副本
act|kill the payment pods
act|can you scale cart-service to 5 replicas
act|清空购物车的缓存
act|delete the old logs on web-01
smalltalk|hello
smalltalk|谢谢
smalltalk|tell me a joke
smalltalk|今天天气怎么样
smalltalk|good morning
"""
"""intent | text"""

CARRYING = """
diagnose|checkout崩了救命|checkout||
metric|支付 latency 咋样 last 15 min|payment|15|metric=latency
metric|what's the average response time of inventory since 9am|inventory||metric=latency
metric|cart service memory usage yesterday|cart-service||metric=memory
diagnose|收银台又抽风了,啥原因啊|checkout||
diagnose|paymnet is throwing 500s since this morning|payment||
diagnose|chekout keeps crashing, dig into it please|checkout||
logs|拉一下 payment 最近1h 的 warn 日志|payment|60|level=warning
logs|tail the checkout log for me|checkout||
logs|grep "NullPointerException" in inventory logs yesterday afternoon|inventory||text=NullPointerException
logs|过去两小时支付日志里报错最多的前10条|payment|120|count=10
traces|调用 payment 失败的 trace 有哪些|payment||
traces|where is the time going in checkout requests|checkout||
transactions|小程序渠道今天交易成功率多少|||channel=mini_program;metric=success_rate
transactions|how did transaction volume look in the last 3 hours||180|metric=volume
host|db-node-07 磁盘快满了吗|||host=db-node-07
host|load average on machine k9-prod-03 over the last hour||60|host=k9-prod-03;metric=load
host|服务器 10.20.30.40 内存使用情况|||host=10.20.30.40;metric=memory
topology|payment 依赖哪些服务|payment||direction=downstream
topology|who is upstream of checkout|checkout||direction=upstream
topology|谁负责支付|payment||direction=owner
topology|购物车跑在哪个机房|cart-service||direction=location
topology|if inventory dies which services are affected|inventory||direction=impact
changes|昨晚谁上线了支付|payment||
changes|any releases this week?|||
changes|did anyone change the config of checkout in the last 6 hours|checkout|360|
changes|show deployments around 14:00|||
kubernetes|is any pod of payment OOMKilled|payment||
kubernetes|支付有几个副本在跑|payment||
kubernetes|pod payment-7d9f8c6b5-x2x4z 为什么一直重启|payment||
forecast|支付的内存未来半天会不会打满|payment||metric=memory;horizon=12h
forecast|predict checkout traffic for the next 90 minutes|checkout||metric=throughput;horizon=90m
forecast|when will inventory's disk hit 95%|inventory||metric=disk;threshold=95%
forecast|明天上午支付的QPS大概多少|payment||metric=throughput
compare|how does checkout's error rate now compare to the same time yesterday|checkout||reference=1d;metric=error_rate
compare|支付这小时的延迟跟上周同一时间比|payment||reference=7d
compare|昨天下午和今天下午的库存内存对比|inventory||metric=memory
compare|checkout latency last hour vs yesterday same time|checkout|60|reference=1d
knowledge|缓存雪崩怎么应对|||
knowledge|what's the escalation policy for sev1|||
knowledge|支付回滚的标准流程是什么|payment||
knowledge|how to fail over the primary database|||
knowledge|difference between liveness and readiness probes|||
similar|这个问题以前有过吗|||
similar|any past cases of payment running out of connections|payment||
incidents|还有没恢复的告警吗|||
incidents|how many incidents did we have last week|||
incidents|昨天的告警清单|||
incidents|show me critical alerts right now|||severity=critical
report|summarize today's incidents in a report|||
report|把昨晚的事故整理成复盘文档|||
report|I need an incident report for checkout between 14:00 and 15:30|checkout||
code|帮我写段shell检查磁盘使用率超过80%就告警|||language=bash
code|generate a kubernetes cronjob yaml that runs every night|||language=yaml
code|python script to parse nginx logs please|||language=python
write_query|promql for p99 latency of checkout|checkout||language=promql
write_query|查昨天失败交易的SQL怎么写|||language=sql
write_query|把下面的话转成 LogQL:支付最近的错误|payment||language=logql
explain|what does `histogram_quantile(0.99, sum(rate(x[5m])) by (le))` mean|||
explain|这条告警规则啥意思 expr: rate(errors[5m]) > 0.1|||
act|stop the checkout service|checkout||action=stop
act|给支付扩容|payment||action=scale
act|回滚库存到上一版|inventory||action=rollback
act|drain node web-3|||action=drain
act|麻烦执行一下清理脚本|||action=execute
help|介绍一下你的功能|||
help|what kind of questions can I ask|||
smalltalk|你叫什么名字|||
smalltalk|bye|||
smalltalk|推荐一部电影吧|||
anomalies|all good?|||
anomalies|支付现在啥状态|payment||
anomalies|run ewma on checkout latency and tell me what's abnormal|checkout||detector=ewma
anomalies|does the payment service look healthy since 10:30|payment||
anomalies|系统整体情况如何|||
anomalies|巡检一下|||
anomalies|payment ok 不|payment||
metric|what is the cache hit rate of user center|user-center||metric=cache
metric|did checkout throw more than 100 errors in the last 10 minutes|checkout|10|
metric|GC 情况怎么样,购物车|cart-service||metric=gc
metric|支付昨天峰值QPS出现在几点|payment||metric=throughput
metric|消息队列积压多少了|||metric=queue
metric|支付服务可用性本月多少|payment||metric=availability
diagnose|大量用户反馈下单失败,帮我查查哪里出了问题|||
diagnose|p99 of payment jumped at 13:20, what caused it?|payment||
diagnose|what happened to checkout at 3am?|checkout||
diagnose|root cause analysis for inventory please|inventory||
"""
"""intent | text | services | minutes of the window | parameters"""

COMPOUND = """
anomalies,changes|is payment healthy and what changed today?
diagnose,report|看看支付为什么慢,然后写个报告
logs,traces|show logs and traces of checkout
metric,logs|查一下支付的错误率,再看看它的日志
changes,topology|最近有什么变更,另外支付的下游有哪些
incidents,forecast|list today's incidents and then forecast the disk of inventory
metric|cpu and memory of payment
diagnose|checkout is slow and users are complaining, why?
diagnose|支付很慢,用户在投诉,为什么
compare|compare cpu of payment and checkout today with yesterday
logs|show me errors and warnings in the payment logs
"""
"""intents | text"""

FOLLOWING = """
is payment slow between 14:00 and 15:00?|and checkout?|metric|checkout
支付下午两点到三点的错误率|那购物车呢|metric|cart-service
支付下午两点到三点的错误率|为什么|diagnose|payment
is payment healthy?|why not?|diagnose|payment
is payment healthy?|show me the logs|logs|payment
支付昨天的错误率|今天呢|metric|payment
支付昨天的错误率|内存呢|metric|payment
what changed on checkout today|and yesterday?|changes|checkout
show me the error logs of payment|same for checkout|logs|checkout
why is payment slow|has it happened before?|similar|payment
why is payment slow|restart it|act|payment
支付为什么慢|最近有变更吗|changes|payment
支付为什么慢|写个报告|report|payment
cpu of payment last hour|memory?|metric|payment
cpu of payment last hour|what about the last 3 hours|metric|payment
cpu of payment last hour|which services are unhealthy?|anomalies|
why is payment slow|thanks|smalltalk|
支付服务健康吗|谁负责它|topology|payment
"""
"""question before | text | intent | service"""
