"""Words for the values of parameters, in both languages: indicators, severities, levels, channels, detectors, actions."""

from __future__ import annotations

from sre_copilot.agents.understanding.wording import pattern

METRICS = tuple(
    (name, pattern(words))
    for name, words in (
        ("packet_loss", r"packet[\s_-]?loss|dropp(?:ed|ing)\s+packets|丢包"),
        (
            "disk_io",
            r"disk[\s_-]?i/?o(?:ps)?|\biops\b|\bi/?o\s?wait\b|磁盘\s?i/?o|磁盘读写|读写速率|io\s?等待",
        ),
        ("disk", r"\bdisks?\b|\bstorage\b|\bfile\s?systems?\b|磁盘|硬盘|存储空间|文件系统"),
        ("cpu", r"(?<![a-z])cpu(?![a-z])|\bprocessor\b|处理器"),
        ("memory", r"\bmem(?:ory)?\b|\bram\b|\bheap\b|内存|堆内存"),
        ("success_rate", r"\bsuccess[\s_-]?(?:rate|ratio)\b|成功率"),
        (
            "error_rate",
            r"\b(?:error|failure|fail)[\s_-]?(?:rate|ratio|percentage)s?\b|\b5xx\b|(?<=and )errors\b|\berrors(?=\s+(?:and|of|normal|in)\b)|错误率|失败率|报错率|出错率|错误比例",
        ),
        (
            "latency",
            r"\blatenc(?:y|ies)\b|\bresponse\s?times?\b|\bp(?:50|75|90|95|99|999)\b|\brt\b|\bdelays?\b|\bduration\b|延迟|时延|延时|响应时间|响应时长|响应速度|耗时|平均响应",
        ),
        (
            "throughput",
            r"\bthroughput\b|(?<![a-z])(?:qps|tps|rps|rpm)(?![a-z])|\btraffic\b|\brequest\s?(?:rate|volume|count)\b|\brequests\s+per\s+\w+|吞吐|请求量|请求数|流量|访问量|调用量",
        ),
        ("network", r"\bnetwork\b|\bbandwidth\b|\bnic\b|网络|带宽|网卡|网速"),
        ("connections", r"\bconnections?\b(?!\s+(?:reset|refused|timed))|连接数|连接池|连接量"),
        ("threads", r"\bthreads?\b(?!\s*dump)|线程"),
        ("queue", r"\bqueues?\b|\bbacklog\b|\bconsumer\s?lag\b|\blag\b|队列|积压|堆积|排队"),
        ("cache", r"\bcache[sd]?\b|\bhit\s?(?:rate|ratio)\b|缓存|命中率"),
        ("gc", r"(?<![a-z])gc(?![a-z])|\bgarbage\s+collect\w+|垃圾回收"),
        ("availability", r"\bavailability\b|\buptime\b|可用性|可用率|在线率"),
        ("load", r"\bload(?:\s?average)?\b(?!\s+balanc)|负载(?!均衡)"),
        (
            "amount",
            r"\bamounts?\b|\bturnover\b|\brevenue\b|\bgmv\b|\btotal\s+value\b|金额|成交额|营业额|交易额|流水",
        ),
        (
            "volume",
            r"\bvolumes?\b|\bhow\s+many\s+(?:\w+\s+)?(?:payments|orders|purchases|transactions|trades)\b|\bnumber\s+of\s+(?:\w+\s+)?(?:payments|orders|purchases|transactions|trades)\b|交易量|订单量|订单数|下单量|笔数|成交量|业务量|单量",
        ),
    )
)
SLOW = pattern(r"\bslow(?:er|est|ly|ness)?\b|\bsluggish\b|\bfast\b|慢|响应")
ERRORS = pattern(r"\berrors?\b|\bfail(?:ed|ures?|ing)?\b|报错|错误|失败")
SEVERITIES = tuple(
    (name, pattern(words))
    for name, words in (
        (
            "critical",
            r"(?<![a-z])p[01](?![\d])|\bcritical\b|\bsev(?:erity)?[\s-]?[01]\b|严重(?!吗|么|不)|致命|紧急|一级",
        ),
        (
            "high",
            r"(?<![a-z])p2(?!\d)|\bhigh[\s-]severity\b|\bseverity\s+high\b|\bsev[\s-]?2\b|高级别|二级|重要(?=告警|报警|故障|级)",
        ),
        (
            "warning",
            r"(?<![a-z])p3(?!\d)|\bwarning[\s-](?:severity|alerts?|level\s+alerts?)\b|\bsev[\s-]?3\b|警告级|三级",
        ),
        ("low", r"(?<![a-z])p4(?!\d)|\blow[\s-]severity\b|\bsev[\s-]?4\b|低级别|四级"),
        ("info", r"\binfo(?:rmational)?[\s-](?:severity|alerts?)\b|提示级"),
    )
)
LEVELS = tuple(
    (name, pattern(words))
    for name, words in (
        ("fatal", r"\bfatals?\b|致命"),
        ("error", r"\berrors?\b|(?<![a-z])err(?![a-z])|错误|报错"),
        ("warning", r"\bwarn(?:ing)?s?\b|警告|告警级"),
        ("info", r"\binfo\b(?!\s*(?:about|on))"),
        ("debug", r"\bdebug\b(?=[\s-]*(?:logs?|level|级|日志))|debug\s*(?:级别)?日志"),
    )
)
CHANNELS = tuple(
    (name, pattern(words))
    for name, words in (
        ("mini_program", r"小程序|\bmini[\s_-]?program\b"),
        ("wechat", r"微信|\bwechat\b"),
        ("alipay", r"支付宝|\balipay\b"),
        ("counter", r"柜台|柜面渠道|\bcounter\b(?=\s+(?:channel|transactions?))|(?<=via\s)counter"),
        ("pos", r"(?<![a-z])pos(?![a-z])(?:\s?机)?|收银机"),
        ("atm", r"(?<![a-z])atms?(?![a-z])|自助机"),
        ("web", r"网页(?:端|渠道)?|网站|\bweb\b(?=\s*(?:channel|渠道|端))|pc端|官网"),
        ("app", r"(?<![a-z-])app(?=\s*(?:渠道|端|channel))|手机端|移动端|\bmobile\b(?=\s+channel)"),
    )
)
NAMED_CHANNEL = pattern(
    r"\bchannels?\s+[\"'`]?(?P<a>[a-z][\w-]*)|(?P<b>[a-z][\w-]*)[\"'`]?\s*(?:\bchannels?\b|渠道)|渠道\s*[\"'`]?(?P<c>[a-z][\w-]*)"
)
DETECTORS = tuple(
    (name, pattern(words))
    for name, words in (
        ("isolation_forest", r"\bisolation[\s_-]?forest\b|孤立森林|隔离森林|\biforest\b"),
        (
            "one_class_svm",
            r"\b(?:one|1)[\s_-]?class[\s_-]?svm\b|\bocsvm\b|单类\s?(?:svm|支持向量机)|一类支持向量机",
        ),
        ("robust_covariance", r"\brobust[\s_-]covariance\b|\belliptic\s?envelope\b|稳健协方差|鲁棒协方差"),
        ("three_sigma", r"\b(?:three|3)[\s_-]?sigma\b|三西格玛|3\s?σ|三倍标准差|3西格玛"),
        ("mad", r"(?<![a-z])mad(?![a-z])|\bmedian\s+absolute\s+deviation\b|中位数绝对偏差|绝对中位差"),
        ("iqr", r"(?<![a-z])iqr(?![a-z])|\binterquartile\b|四分位"),
        ("ewma", r"(?<![a-z])ewma(?![a-z])|指数加权"),
        ("cusum", r"(?<![a-z])cusum(?![a-z])|累积和|累计和"),
        ("arima", r"(?<![a-z])arima(?![a-z])"),
        ("ets", r"(?<![a-z])ets(?![a-z])|指数平滑|\bexponential\s+smoothing\b"),
        ("prophet", r"(?<![a-z])prophet(?![a-z])"),
        ("lstm", r"(?<![a-z])lstm(?![a-z])"),
        ("ensemble", r"\bensemble\b|集成(?:检测|算法|方法)"),
    )
)
LANGUAGES = tuple(
    (name, pattern(words))
    for name, words in (
        ("promql", r"\bpromql\b|\bprometheus\s+(?:query|expression)\b|prometheus\s?查询"),
        ("logql", r"\blogql\b|\bloki\s+query\b|loki\s?查询"),
        (
            "elasticsearch",
            r"\belastic\s?search\b|\bopensearch\b|(?<![a-z])es\s?(?:dsl|query|查询|语句)|(?<![a-z])dsl(?![a-z])|\blucene\b|\bkibana\b|\bkql\b",
        ),
        ("sql", r"(?<![a-z])(?:my|postgre)?sql(?![a-z])"),
        ("topology", r"\btopology\s+quer(?:y|ies)\b|拓扑查询|\bcypher\b|图查询"),
        ("python", r"(?<![a-z])python3?(?![a-z])"),
        ("bash", r"\bbash\b|\bshell\b|(?<![a-z])sh\s?脚本"),
        ("go", r"\bgolang\b|\bin\s+go\b|(?<![a-z])go\s?(?:语言|代码|program|script|code)|用\s?go(?![a-z])"),
        ("java", r"(?<![a-z])java(?![a-z])"),
        (
            "yaml",
            r"\byaml\b|\bmanifest\b|\balert(?:ing)?\s+rule\b|告警规则|报警规则|\bkubernetes\s+(?:deployment|cronjob)\b|\bhpa\b",
        ),
    )
)
ACTIONS = tuple(
    (name, pattern(words))
    for name, words in (
        (
            "clear_cache",
            r"\b(?:clear|flush|purge|empty|drop)\s+(?:\S+\s+){0,4}caches?\b|清(?:空|理|除|掉|一下)?.{0,10}缓存|缓存.{0,8}清",
        ),
        (
            "rollback",
            r"\broll(?:\s|-)?(?:ing\s+|ed\s+)?(?:\S+\s+){0,4}?back\b|\brollback\b|\brevert\b|回滚|回退|退回",
        ),
        ("restart", r"\bre-?(?:start|boot)\b|\bbounce\b|重启|重新启动|重拉"),
        (
            "scale",
            r"\bscale\b|\breplicas\b|扩容|缩容|扩到|缩到|扩(?:到|成)|加.{0,4}(?:副本|实例|机器)|副本.{0,6}(?:调|改|加)",
        ),
        ("drain", r"\bdrain\b|\bcordon\b|\bevict\b|驱逐|排空|隔离"),
        (
            "failover",
            r"\bfail(?:\s|-)?over\b|\bswitch(?:\s+\w+){0,3}\s+(?:over|traffic|to\s+the\s+(?:standby|backup|replica))|切流|切换到?备|主备切换|切主|倒换|切到备|切换",
        ),
        ("delete", r"\bdelete\b|\bremove\b|\bdrop\b|\bwipe\b|\bterminate\b|删除|删掉|删了|清掉|移除"),
        (
            "stop",
            r"\bstop\b|\bkill\b|\bshut\s?down\b|\bturn\s+off\b|\bdisable\b|停掉|停止|停了|关掉|关闭|下线|杀掉|杀死|停服",
        ),
        (
            "change_config",
            r"\b(?:set|change|increase|decrease|raise|lower|update|modify|bump|tune)\b|修改|改成|改为|改到|调大|调小|调整|调到|调高|调低|设置|限流|熔断|降级",
        ),
        ("start", r"\bstart\b|\bturn\s+on\b|\bbring\s+up\b|\benable\b|启动|拉起|打开|启用"),
        ("execute", r"\bexecute\b|\brun\b|\bdeploy\b|\bapply\b|执行|运行|部署|发布|清理"),
    )
)
DIRECTIONS = tuple(
    (name, pattern(words))
    for name, words in (
        (
            "owner",
            r"\bown(?:s|er|ers|ed)?\b|\bwhich\s+team\b|\bwhose\b|\bon[\s-]?call\b|\bmaintain(?:s|er|ed)?\b|\bresponsible\s+for\b|\bcontact\b|负责|owner|归谁|哪个(?:团队|组)|谁的|值班",
        ),
        (
            "impact",
            r"\bblast\s+radius\b|\bimpact(?:ed|s)?\b|\baffect(?:ed|s)?\b|\bgoes?\s+down\b|\bwhat\s+(?:else\s+)?breaks?\b|\b(?:is|gets?|be)\s+hit\b|影响|波及|受影响|牵连",
        ),
        (
            "location",
            r"\bwhere\b|\bwhich\s+(?:hosts?|nodes?|machines?|servers?|clusters?|data\s?cent(?:er|re)s?|regions?|zones?)\b|\bruns?\s+on\b|部署在|跑在|在哪|哪(?:台|些|个)?(?:机器|机房|节点|主机|集群|服务器)",
        ),
        (
            "upstream",
            r"\bupstreams?\b|\bwho\s+(?:\w+\s+)?(?:calls?|uses?|depends?)\b|\bwhat\s+(?:calls?|uses?|depends?\s+on)\b|\bcalled\s+by\b|\bcallers?\b|\bconsumers?\s+of\b|\bdependents?\b|\b(?:which|what)\s+(?:\w+\s+)?(?:services?|systems?|apps?|applications?)\s+(?:call|use|depend)|上游|谁(?:在|会)?(?:调用?|依赖)|被(?:谁|哪些)|哪些.{0,8}(?:调用|依赖)(?!哪|了哪)|调用方|依赖(?:它|他|该|这个服务)的",
        ),
        (
            "downstream",
            r"\bdownstreams?\b|\bdepend(?:s|encies|ency|ent)?\b|\bcalls?\b|\bcallees?\b|\brel(?:y|ies)\s+on\b|\bneeds?\b|\buses?\b|下游|依赖|调用(?:了)?(?:哪些|谁|什么)|被调",
        ),
    )
)
