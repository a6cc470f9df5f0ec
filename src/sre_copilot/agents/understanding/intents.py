"""What can be asked for, who answers it, and the names of all parameters that a question can carry.

Times, as they are read (local time; every window is half-open and never reaches past now, except for what is asked of the future):

========================================  ==========================================================================
said                                      window
========================================  ==========================================================================
last 30 minutes, 过去半小时               [now - 30 min, now)
just now, 刚才, 刚刚                      [now - 15 min, now)
recently, lately, 最近, 近期              [now - 1 h, now)
now, currently, 现在, 目前                none: it says that the question is about the present
today / yesterday / 前天                  the whole local day, today's up to now
early morning, 凌晨                       00:00-06:00
morning, 早上, 上午, 今早                 06:00-12:00
noon, 中午                                11:00-13:00
afternoon, 下午                           12:00-18:00
evening, tonight, 晚上, 傍晚, 今晚        18:00-24:00
last night, overnight, 昨晚, 昨夜         yesterday 18:00 to today 06:00 ("yesterday evening": 18:00-24:00)
this week, last week, 本周, 上周          Monday 00:00 to Monday 00:00, this week's up to now
on Friday, 周五; last Friday              the latest Friday that has begun; "last Friday": the latest before today
上周五                                    the Friday of the week before this one
weekend, 周末                             the latest Saturday and Sunday that have begun
this month, last month                    calendar months
at 3pm, 15:00, 下午三点, 三点左右         a quarter of an hour before and after
14:00 to 15:00, 下午两点到三点            [14:00, 15:00)
since X, X以来, 从X开始, after X, X之后   [beginning of X, now)
until X, before X, X之前                  the hour before X
20 minutes ago, 半小时前                  a quarter of an hour before and after that moment; days ago: that whole day
next 6 hours, 未来6小时                   [now, now + 6 h), and the parameter `horizon`
tomorrow, 明天                            the whole local day
========================================  ==========================================================================

A time of day without a day is the latest that has passed; an hour without am or pm ("three o'clock", 三点) is the later of both readings that has passed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One kind of request: whose work it is, what it is about in both languages, and what it cannot be answered without.

    `direction` among the needs: a direction needs a service to start from."""

    name: str
    agent: str
    en: str
    zh: str
    needs: tuple[str, ...] = ()


_ALL = (
    Intent(
        name="diagnose",
        agent="root_cause",
        en="Find the cause: why is something slow, failing or down, what is wrong with this service, troubleshoot it.",
        zh="找根因:为什么变慢、报错、挂了,某服务怎么了/出了什么问题,排查、定位故障。",
    ),
    Intent(
        name="anomalies",
        agent="diagnosis",
        en="See what is abnormal: is anything wrong, is this service healthy or all right, which services have anomalies.",
        zh="看异常:现在有什么异常,某服务是否健康/正常,哪些服务不正常,异常检测。",
    ),
    Intent(
        name="metric",
        agent="monitor",
        en="One indicator of a service: its value or course, whether it was normal, when and where it was highest.",
        zh="某服务的指标:数值、走势、是否正常、峰值(CPU、内存、延迟、错误率、QPS、网络……)。",
        needs=("service",),
    ),
    Intent(
        name="logs",
        agent="log",
        en="Logs: search or show them, errors in them, new or frequent templates, key events.",
        zh="日志:查询、错误日志、新增或高频模板、日志摘要与关键事件。",
    ),
    Intent(
        name="traces",
        agent="trace",
        en="Traces: slow or failed calls and spans, where a request spends its time, one trace by its id.",
        zh="调用链:慢调用、失败的 span、耗时分布、按 trace id 查询。",
    ),
    Intent(
        name="transactions",
        agent="trade",
        en="Business transactions: their volume, success rate, amount or response time, by channel.",
        zh="交易:交易量、成功率、金额、响应时间,按渠道。",
    ),
    Intent(
        name="host",
        agent="monitor",
        en="Machines: how a host, node or server is doing, its CPU, memory, disk or network.",
        zh="主机/节点/服务器/机器的健康状况与资源(CPU、内存、磁盘、网络)。",
    ),
    Intent(
        name="topology",
        agent="cmdb",
        en="How things are linked: dependencies, upstream and downstream, who calls whom, where it runs, who owns it, blast radius.",
        zh="拓扑与 CMDB:依赖、上下游、谁调用谁、部署在哪里、负责人、影响范围。",
        needs=("direction",),
    ),
    Intent(
        name="changes",
        agent="change",
        en="What was changed: deployments, releases, configuration, rollbacks, and who made them.",
        zh="变更:发布、上线、部署、配置修改、回滚,由谁做的。",
    ),
    Intent(
        name="kubernetes",
        agent="monitor",
        en="State of Kubernetes: pods, restarts, OOM kills, deployments' replicas, namespaces, cluster events.",
        zh="Kubernetes 状态:Pod、重启、OOM、副本数、命名空间、集群事件。",
    ),
    Intent(
        name="forecast",
        agent="monitor",
        en="What will come: a metric's forecast, when a limit is reached or a disk is full, what will break next.",
        zh="预测:未来走势、何时越限/写满、接下来会不会出问题。",
    ),
    Intent(
        name="compare",
        agent="monitor",
        en="Compare two stretches of time: today with yesterday, before and after a release, with the same time last week.",
        zh="对比两个时间段:今天和昨天、发布前后、同比/环比上周同期。",
        needs=("reference",),
    ),
    Intent(
        name="knowledge",
        agent="knowledge",
        en="How something is done or what it means, from documents and procedures: how to handle, runbook, what is, best practice.",
        zh="知识问答:如何处理、怎么做、预案/SOP/手册、某概念是什么、最佳实践。",
    ),
    Intent(
        name="similar",
        agent="knowledge",
        en="Past faults like this one: has it happened before, similar incidents, how was it solved then.",
        zh="相似/历史故障:以前是否发生过、类似案例、当时怎么解决的。",
    ),
    Intent(
        name="incidents",
        agent="report",
        en="List of faults and how they stand: today's incidents, open alerts, is it resolved, how many.",
        zh="故障/告警清单与进展:今天有哪些故障、当前告警、是否恢复、有多少。",
    ),
    Intent(
        name="report",
        agent="report",
        en="Write a report: incident report, postmortem, daily or weekly summary, timeline.",
        zh="写报告:故障报告、复盘、日报/周报、时间线。",
    ),
    Intent(
        name="code",
        agent="code",
        en="Write a script, code, alert rule or manifest (bash, Python, YAML); it is never run.",
        zh="写脚本、代码、告警规则或清单(bash、Python、YAML),不执行。",
    ),
    Intent(
        name="write_query",
        agent="code",
        en="Turn words into a query: PromQL, LogQL, Elasticsearch DSL, SQL, a topology query.",
        zh="把话写成查询语句:PromQL、LogQL、ES DSL、SQL、拓扑查询。",
    ),
    Intent(
        name="explain",
        agent="code",
        en="Explain a query, script, alert rule or configuration that is given, with its risk.",
        zh="解释给出的查询、脚本、告警规则或配置及其风险。",
        needs=("query",),
    ),
    Intent(
        name="help",
        agent="copilot",
        en="What you can do and how to use you: capabilities, commands, agents, data that is connected.",
        zh="你能做什么、怎么用、有哪些能力/命令/智能体/数据源。",
    ),
    Intent(
        name="act",
        agent="copilot",
        en="Do something to the system: restart, scale, roll back, delete, execute; declined, with the way out.",
        zh="要求动手:重启、扩缩容、回滚、删除、执行;会被婉拒并说明出路。",
    ),
    Intent(
        name="smalltalk",
        agent="copilot",
        en="Greetings, thanks, and whatever has nothing to do with operations.",
        zh="寒暄、致谢以及与运维无关的话。",
    ),
)

INTENTS: Mapping[str, Intent] = {intent.name: intent for intent in _ALL}
"""Every intent by its name."""

PARAMETERS: Mapping[str, str] = {
    "metric": (
        "cpu, memory, disk, disk_io, network, load, latency, error_rate, success_rate, throughput, volume (of transactions), amount, connections,"
        " threads, queue, cache, gc, packet_loss, availability; or a metric's own name where it is said. Several by commas, in the order said"
    ),
    "severity": "critical, high, warning, info, low (P0 and P1: critical, P2: high, P3: warning, P4: low)",
    "level": "level of log lines: error, warning, info, debug, fatal",
    "text": "what a log line holds, as quoted in the question",
    "trace_id": "id of a trace",
    "host": "host, node or machine by its name or address",
    "pod": "pod by its name",
    "namespace": "namespace by its name",
    "channel": "channel of transactions as it is said (app, web, wechat, alipay, mini_program, counter, pos, atm, or its own name)",
    "detector": "ensemble, three_sigma, mad, iqr, ewma, cusum, isolation_forest, one_class_svm, arima, ets, prophet, lstm, robust_covariance",
    "horizon": "how far ahead: 90s, 30m, 6h, 2d",
    "threshold": "limit to hold against, with its unit as written without a space: 90%, 500ms, 0.9, 2GB, 1000",
    "count": "how many are wanted (top 5, 前十): a number in digits",
    "reference": "what to compare with: a shift (1d: same time yesterday, 7d: same time last week, 1h) or a window START/END in RFC 3339 UTC",
    "language": "bash, python, go, java, yaml, promql, logql, elasticsearch, sql, topology",
    "action": "restart, scale, rollback, delete, stop, start, execute, drain, failover, change_config, clear_cache",
    "unknown": "name of a service that is said and not known here",
    "direction": "of topology: upstream (who calls it), downstream (what it depends on), owner, location, impact",
}
"""Every parameter, with the form of its value. Present only where the question says it (a follow-up: said, or kept from before)."""
