"""Words that tell what is asked for. Each cue has a weight: forms of a request (write, explain, compare) outweigh its cause, its cause its topic.

A service stands as `@` in the text that they are held against; times and quotations are blank.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from sre_copilot.agents.understanding.wording import pattern

Cue = tuple[str, float, re.Pattern[str]]

_IMPERATIVE = (
    r"(?:^|[,.;!?]\s*|\band\s+|\bthen\s+|\bplease\s+|\bpls\s+|\bkindly\s+)(?:(?:ok|okay|hey|hi|now|so|just|please|pls|go\s+ahead\s+and|immediately)[,\s]+)*"
    r"(?:(?:can|could|would|will)\s+you\s+(?:please\s+|pls\s+|just\s+)?|help\s+me\s+(?:to\s+)?|i\s+(?:need|want)\s+(?:you\s+)?to\s+|let'?s\s+|you\s+should\s+)?"
)
_MAKE = r"\b(?:write|create|generate|draft|give\s+me|need|make|build|implement|produce|provide|want|prepare|compose|show\s+me)\b"
_QUERY = r"\b(?:promql|logql|(?:my|postgre)?sql|(?:es|elastic\s?search|opensearch)\s+(?:dsl|query)|dsl|lucene|kql|cypher)\b"
_ZH_QUERY = (
    r"(?:promql|logql|(?:my)?sql|dsl|es\s?查询|查询语句|查询表达式|拓扑查询|loki\s?查询|prometheus\s?查询)"
)
_CODE = (
    r"(?:scripts?|code|functions?|programs?|cron\s?jobs?|dockerfile|manifests?|ya?ml|helm\s+chart|ansible\s+playbook|alert(?:ing)?\s+rules?"
    r"|recording\s+rules?|snippets?|one-?liners?|terraform|config(?:uration)?\s+files?|hpa)"
)
_ZH_CODE = r"(?:脚本|代码|程序|函数|告警规则|报警规则|清单|ya?ml|manifest|配置文件|dockerfile|定时任务|小工具|playbook)"
_THING = r"(?:quer(?:y|ies)|scripts?|rules?|config(?:uration)?s?|commands?|expressions?|promql|sql|logql|dsl|ya?ml|manifests?|code|snippets?|regex|statements?|settings?|one-?liner)"
_ZH_THING = (
    r"(?:查询|脚本|规则|配置|命令|表达式|语句|promql|sql|logql|dsl|ya?ml|代码|清单|正则|参数|manifest)"
)

_WORDS: Mapping[str, tuple[tuple[float, str], ...]] = {
    "help": (
        (
            9.2,
            r"\bwhat\s+(?:\w+\s+)?can\s+(?:you|i\s+(?:ask|do\s+(?:here|with\s+you)))\b|\bwhat\s+(?:are|do)\s+you(?:r)?\s+(?:able|capab\w+|do\b|features|skills|know\s+how)|\bhow\s+(?:do|can|should)\s+i\s+(?:use|talk\s+to|ask)\s+(?:you|this|sre)|\byour\s+(?:capabilities|features|commands|tools|skills)\b|\b(?:which|what|list)\s+(?:\w+\s+){0,2}(?:agents|tools|commands|data\s?sources|capabilities|skills)\b|^[\s.,?!;。…~]*(?:/?help|usage|commands)[\s.,?!;。…~]*$|\bwhat\s+(?:kinds?|sorts?|types?)\s+of\s+(?:questions|things|requests)\b|\bcan\s+i\s+ask\b|\bintroduce\s+yourself\b|\bwho\s+are\s+you\b|\bwhat\s+are\s+you\b",
        ),
        (
            9.2,
            r"你(?:们)?(?:都|还)?(?:能|会|可以)(?:干|做|帮|查|些|回答|支持)|你(?:都)?(?:有|具备)(?:哪些|什么)(?:能力|功能|本事|技能)|(?:怎么|如何)(?:用|使用|问)(?:你|这个(?:助手|工具|系统))|^[\s.,?!;。…~]*(?:帮助|使用说明|用法)[\s.,?!;。…~]*$|(?:有|支持)(?:哪些|什么)(?:命令|智能体|工具|功能|数据源|能力|指令|agent)|接(?:入)?了(?:哪些|什么)数据|(?:介绍|说说|讲讲).{0,4}(?:你|自己)|你的(?:功能|能力|用途|技能)|你是(?:谁|什么|干(?:什么|啥|嘛))",
        ),
    ),
    "smalltalk": (
        (
            8.0,
            r"\b(?:jokes?|poems?|weather|recipes?|football|movies?|lunch|dinner|stocks?\s+price|sing|favou?rite|holiday\s+plans|girlfriend|boyfriend|horoscope|lottery|pizza|restaurants?|hotels?|cof+ee|beer|vacation|gym|movie\s+tickets?)\b|笑话|天气|写(?:首|一首)?诗|唱(?:首|歌)|股票|菜谱|电影|吃(?:什么|啥|饭)|午饭|足球|彩票|星座|旅游|年会|酒店|餐厅|奶茶|火锅|放假|团建",
        ),
        (
            2.5,
            r"\bthank(?:s|\s+you)\b|\bthx\b|\bcheers\b|^[\s.,?!;。…~]*(?:hello|hi|hey|yo)\b|\bgood\s+(?:morning|afternoon|evening|night|job)\b|\bbye\b|\bhow\s+are\s+you\b|\bnice\s+(?:work|job)\b|\bwell\s+done\b|\bgreat\s+(?:work|job)\b",
        ),
        (
            2.5,
            r"你好|您好|谢谢|感谢|多谢|辛苦|再见|拜拜|早上好|晚上好|下午好|早安|晚安|哈哈|厉害|真棒|好的|收到|牛|在吗",
        ),
    ),
    "act": (
        (
            8.2,
            _IMPERATIVE
            + r"(?:re-?start|reboot|bounce|kill|scale|roll\s?back|roll\s+(?:\S+\s+){1,4}?back|put\s+(?:\S+\s+){1,4}?back\s+to|revert|delete|drain|cordon|evict|fail\s?over|stop|shut\s?down|redeploy|deploy|execute|flush|purge|terminate|wipe|clear\s+(?:the\s+)?(?:\S+\s+){0,3}caches?|remove|drop|disable|enable|apply|upgrade|switch|turn\s+o(?:ff|n)|start\s+(?:the\s+)?(?:@|pod|container|service)|bring\s+up|run\s+(?:the|this|that|a|my|our)\s+(?:\S+\s+){0,3}(?:script|command|runbook|playbook|job|rollback|migration)|(?:set|change|increase|decrease|raise|lower|update|bump)\s+(?:the\s+)?(?:\S+\s+){0,5}(?:to\b|replicas?|limits?|time-?outs?|config\w*|pool|memory|heap|size|threads?))\b",
        ),
        (
            8.2,
            r"(?<!不)(?:重启|重新启动|回滚|回退|扩容|缩容|扩到|缩到|扩成|删除|删掉|删了|下线|停掉|停止|停了|关掉|拉起|杀掉|杀死|清空|清掉|清一下|清理|切流|切到|切换|主备切换|驱逐|排空|隔离|执行|修改|改成|改为|调大|调小|调到|调高|调低|限流|熔断|降级|摘除|摘掉|启动|重拉|部署|升级)",
        ),
    ),
    "code": (
        (
            8.0,
            rf"{_MAKE}.{{0,60}}\b{_CODE}\b|\b(?:bash|python|shell|golang|java)\s+(?:script|code|program|function|snippet|one-?liner)\b|\bscript\s+(?:to|that|which|for)\b",
        ),
        (
            8.0,
            rf"(?:写|编|生成|来|给我|弄|整|搞|做|出|要|搓|撸|帮我).{{0,40}}{_ZH_CODE}|(?:bash|python|shell|java|go)\s?(?:脚本|代码|程序)|写(?:一)?(?:段|个|些|点)?\s?(?:bash|python|shell|java|go)(?![a-z])",
        ),
    ),
    "write_query": (
        (
            8.6,
            rf"(?:{_MAKE}|\b(?:turn|translate|convert|express|rewrite|formulate|what(?:'s|\s+is)\s+the|what\s+would|need\s+an?|how\s+would)\b).{{0,80}}{_QUERY}|{_QUERY}\s+(?:query\s+|expression\s+|statement\s+)?(?:for|to|that|which|of|returning|counting|giving)\b|\b(?:write|build|generate|compose|draft|give\s+me)\b.{{0,30}}\bquery\b|\bas\s+(?:an?\s+)?{_QUERY}|\b(?:in|using|with|into)\s+{_QUERY}",
        ),
        (
            8.6,
            rf"(?:写|生成|给|来|转|翻|换|用|拼|构造|弄|出|整|要|搞|查).{{0,40}}{_ZH_QUERY}|{_ZH_QUERY}.{{0,8}}(?:怎么写|咋写|如何写|写一|该怎么|语句|查)",
        ),
    ),
    "explain": (
        (
            9.0,
            rf"\b(?:explain|describe|interpret|break\s+down|walk\s+me\s+through|decode|clarify|translate\s+into\s+(?:words|english|plain))\b.{{0,60}}\b(?:{_THING}|does|do|means?)\b|\bwhat\s+(?:does|do|is|are|'s)\s+(?:this|the\s+following|these|that)\b.{{0,40}}\b(?:{_THING}|do|doing|mean)\b|\b(?:this|the\s+following)\s+(?:\w+\s+)?{_THING}\b.{{0,40}}\b(?:mean|do|does|safe|dangerous|risk\w*)\b|\b(?:safe|dangerous|risky)\s+to\s+run\b",
        ),
        (
            9.0,
            rf"(?:解释|讲解|解读|看懂|说明|读懂|翻译|讲讲|说说|分析|看看).{{0,10}}(?:这|下面|以下|该|那)?.{{0,8}}{_ZH_THING}|(?:这|下面|以下|那).{{0,12}}{_ZH_THING}.{{0,14}}(?:意思|做什么|干什么|干嘛|干啥|做啥|风险|含义|安全|作用|危险)",
        ),
    ),
    "report": (
        (
            7.6,
            r"\bpost-?mortems?\b|\b(?:incident|fault|rca|outage|diagnos\w+)\s+reports?\b|\breports?\s+(?:on|about|for|of)\b|\b(?:write|draft|generate|create|prepare|compile|make|produce|give\s+me|send|need|put\s+together)\b.{0,40}\b(?:reports?|timelines?|write-?ups?|summary\s+of\s+(?:the|this|today'?s|yesterday'?s)\s+(?:incident|fault|outage|day|week|shift)s?)\b|\b(?:daily|weekly|monthly|shift|hand-?over)\s+(?:report|summary|digest|note)s?\b|\btimeline\b|\bwrite\s+(?:it|this|that)\s+up\b|\b(?:in|into|as)\s+an?\s+report\b|\bsummari[sz]e\s+(?:\S+\s+){0,3}(?:incident|outage|fault|day|week|shift)s?\b",
        ),
        (
            7.6,
            r"复盘|日报|周报|月报|(?:写|出|生成|整理|起草|来|做|发|导出|要|汇总).{0,24}(?:报告|时间线|纪要|通报)|(?:故障|事故|诊断|事件|分析|值班)报告|时间线|交接(?:班)?|(?:总结|汇总).{0,8}(?:故障|事故|本周|上周|今天|昨天|一周|一天)|(?:故障|事故|一周|今日|本周|上周).{0,4}(?:总结|小结)",
        ),
    ),
    "similar": (
        (
            7.8,
            r"\bsimilar\b|\b(?:happen(?:ed|s)?|occur(?:red|s)?|seen|had)\b.{0,30}\bbefore\b|\b(?:past|previous|earlier|historical|old)\s+(?:\w+\s+)?(?:incidents?|faults?|outages?|cases?|failures?|occurrences?)\b|\bever\s+(?:happen\w*|seen?|had|been)\b|\bhistory\s+of\b|\bhave\s+we\s+(?:ever\s+)?(?:had|seen)\b|\blast\s+time\s+(?:this|it|we|that|@)|\b(?:fix(?:ed)?|solved?|resolved?|handled?)\b.{0,24}\b(?:last\s+time|back\s+then|previously|then\b)|\bprecedents?\b|\banything\s+like\s+this\b|\blook(?:s|ed)?\s+familiar\b|\bagain\s+like\b",
        ),
        (
            7.8,
            r"类似|相似|以前.{0,12}(?:出|发生|遇|碰|见|有没有|有过)|历史(?:故障|案例|事件|上|记录)|上(?:次|回).{0,24}(?:解决|处理|怎么|咋|原因|修|恢复)|当时.{0,8}(?:怎么|如何|咋|是怎)|曾经|过往|老问题|先例|(?:发生|遇到|碰到|出现|出)过.{0,6}(?:吗|没|么|类|这)|有没有(?:发生|遇到|碰到|出现|出)过|历史.{0,6}(?:案例|相同)|似曾",
        ),
    ),
    "compare": (
        (
            7.3,
            r"\bcompar(?:e|ed|es|ing|ison)\b|\bversus\b|\bvs\b\.?|\brelative\s+to\b|\bbefore\s+and\s+after\b|\b(?:higher|lower|slower|faster|worse|better|more|less|different|fewer)\s+than\s+(?!\s*\d|usual|normal|average|expected|before\b)|\bdiff(?:erence)?\s+between\b.{0,60}\b(?:now|@)",
        ),
        (
            7.3,
            r"对比|比较(?!高|低|慢|快|大|多|严重)|相比|同比|环比|(?:跟|和|与|同).{0,24}比(?!例)|比(?:起)?\s{2,}|(?:发布|上线|变更|重启|升级)前后|前后.{0,6}(?:变化|差异|对比|区别)",
        ),
    ),
    "forecast": (
        (
            7.4,
            r"\bforecast\w*\b|\bpredict\w*\b|\bwhen\s+will\b|\bhow\s+(?:long|soon)\s+(?:until|before|till|will|can|do\s+we\s+have)\b|\bwill\b(?!\s+you).{0,60}\b(?:run\s+out|reach|exceed|hit|breach|fill|full|overflow|fail|break|crash|saturate|last|cross|go|be|drop|rise|grow|happen|enough|hold|survive|cope|spike|need)\b|\bprojected\b|\b(?:going|expected|likely|about)\s+to\s+(?:fill|fail|run|break|exceed|hit|reach|happen|crash|rise|overflow|breach)\b|\bcapacity\s+(?:plan|forecast)\w*|\bwhat\s+(?:will|is\s+going\s+to)\s+break\b|\brun(?:s|ning)?\s+out\s+(?:of\s+\w+\s+)?soon\b|\bnext\s+to\s+(?:fail|break)\b",
        ),
        (
            7.4,
            r"预测|预计|预估|预判|会不会|何时(?:会|能|将)?(?=.{0,8}(?:满|超|越|耗|达|到|崩|爆))|(?:什么时候|几点|哪天|啥时候).{0,6}(?:会|能|将|写满|满|用完|耗尽|爆|撑|超|到)|多久(?:会|后会|能|就|才会|写满|用完|爆)|还能(?:撑|用|扛|顶|坚持)|撑(?:多久|到|得|不)|扛(?:得|不|多久)|未来|接下来.{0,16}(?:会|趋势|走势|风险)|将会|即将|将要|会.{0,14}(?:吗|么|嘛)[\s.,?!;。…~]*$|够用|够不够|下一个.{0,6}(?:出|坏|挂)",
        ),
    ),
    "diagnose": (
        (
            7.0,
            r"\bwhy\b|\broot[\s-]?causes?\b|\brca\b|\bwhat(?:'s|\s+is|\s+was|\s+has|\s+could\s+be|\s+might\s+be|\s+are)?\s+(?:\w+\s+)?(?:caus(?:ing|ed|es)|made|makes|making|broke|break(?:ing)?|triggered|behind|brought|took|dragg\w+|slow(?:ing|ed))\b|\bwhat(?:'s|\s+is|\s+was|\s+the\s+hell\s+is)?\s+(?:happen(?:ed|ing|s)?|going\s+on|the\s+(?:cause|reason|problem|matter|issue|story|deal))\b|\bwhat(?:'?s|\s+is|\s+was|\s+went|\s+goes)?\s+(?:gone\s+)?wrong\s+(?:with|in|at|on|there|here)\b|\bwhat(?:'?s|\s+is)\s+(?:up|broken)\s+with\b|\bwhat\s+(?:went|goes)\s+wrong\b|\bwhere\s+did\s+(?:it|this|that|things)\s+(?:go|start|break)|\bcauses?\s+(?:of|for)\b|\breasons?\s+(?:for|of|why|behind)\b|\btroubleshoot\w*|\binvestigat\w+|\bdiagnos\w+|\bdebug\b(?!\s+(?:logs?|level))|\bfigure\s+out\b|\bwork(?:ed)?\s+out\s+(?:why|what|where)\b|\bfind\s+out\s+(?:what|why|who|where)\b|\bdig\s+into\b|\bbottom\s+of\b|\btriage\b|\bculprit\b|\bwhen\s+did\s+(?:it|this|that|the\s+\w+)\s+(?:start|begin|happen)\b|^[\s.,?!;]*since\s+when\b|\bhow\s+(?:sure|certain|confident)\b|^[\s.,?!;]*is\s+it\s+(?:the|a|because|due)\b|\bwho(?:'s|\s+is|\s+has)?\s+(?:\w+\s+)?(?:caused|causing|broke|breaking|responsible|at\s+fault)\b|\bto\s+blame\b|\bpin\s?point\b|\blocali[sz]e\b|\bhow\s+come\b|\blook\s+into\b|\banaly[sz]e\s+(?:the\s+|this\s+|that\s+|an?\s+)?(?:\w+\s+)?(?:incident|outage|fault|failure|problem|issue|spike)s?\b|\bresponsible\s+for\s+(?:the|this|that)\s+(?:\w+\s+)?(?:spike|increase|errors?|outage|slow\w*|failures?|drop|latency)\b",
        ),
        (
            7.0,
            r"为什么|为啥|为何|(?:什么时候|何时|啥时候)(?:开始|出现|发生)的?|(?:有多|多)(?:确定|肯定|有把握)|咋(?:又|回事|了|就|这么|还|会|老|突然|不|搞的|整的)|怎么(?:又|这么|那么|回事|了|突然|一直|老是?|还|变|挂|崩|卡|报|不(?!样)|就|慢|全|总|回)|根因|原因|排查(?!手册|步骤|流程|文档|指南)|定位|诊断(?!报告)|(?:出|发生)了?(?:什么|啥)(?:问题|事|毛病|状况|故障)|问题(?:到底)?(?:是)?(?:出)?在(?:哪|谁|什么)|哪(?:里|儿|块|一环|个环节)?出(?:了)?(?:问题|错|毛病|故障)|(?:谁|什么|啥)(?:引起|导致|造成|拖|搞|触发|惹)|罪魁|元凶|什么情况|啥情况|什么鬼|到底怎么|查(?:一?下|查|清)?(?:是)?(?:哪|谁|什么|啥)(?:里|个|儿)?.{0,6}(?:问题|引起|原因|毛病|导致|造成)|什么问题|啥问题|分析.{0,20}(?:故障|问题|事故)(?!报告|总结)|引起的|导致的|溯源",
        ),
        (
            4.5,
            r"\b(?:is|are|was|went|being|goes|seems?|just\s+went)\s+down\b|\bfail(?:s|ing|ed)\b|\btim(?:ing|ed|es)\s+out\b|\btimes?[\s-]?outs?\b|\bbroken?\b|\bcrash\w*|\bstuck\b|\bsluggish\b|\bhang(?:s|ing)?\b|\bunreachable\b|\bunavailable\b|\bcan(?:'t|not)\b|\bnot\s+(?:working|responding)\b|\bstopped\b|\bkeeps?\b|\b5\d\ds?\b|\bthrow(?:s|ing|n)?\b|\bslow\b|\bpaged\b|\bcomplain\w*|\berrors?\b",
        ),
        (
            4.5,
            r"慢|卡|超时|报错|失败|打不开|转圈|崩|挂了|宕|不可用|不更新|掉线|抖动|没反应|进不去|连不上|出问题|白屏|投诉|飙(?:升|高)|暴(?:涨|跌)|突增|掉(?:了|到|底)",
        ),
    ),
    "knowledge": (
        (
            7.5,
            r"\bhow\s+(?:do|should|can|would|to|must|shall)\b(?!\s+(?:the|@)\s.{0,40}(?:call|perform|look))|\brun-?books?\b|\bplaybooks?\b|\bsops?\b|\bprocedures?\b|\bbest\s+practices?\b|\bdocumentation\b|\bdocs?\b|\bwhat(?:'?s|\s+is|\s+are)\s+(?:an?\s+(?!value|rate|current)|the\s+(?:meaning|definition|difference|purpose|recommended|standard|process|policy|steps?|right\s+way|escalation|proper|correct|usual\s+way))|\bwhat\s+does\s+(?!this|that|the\s+following|@).{1,40}\b(?:mean|stand\s+for)\b|\bdefinition\s+of\b|\bwhat\s+exactly\s+(?:is|are|does)\b|\bwhat\s+(?:is|are)\s+(?:an?\s+)?[\w -]{1,40}\s+exactly\b|\bguid(?:e|elines?|ance)\b|\bsteps\s+(?:to|for)\b|\bpolic(?:y|ies)\b|\bwhat\s+(?:to\s+do|should\s+(?:i|we)\s+do|do\s+(?:i|we)\s+do)\b|\bmanuals?\b|\bwiki\b|\bknowledge\s+base\b|\bhow\s+is\b.{0,40}\b(?:configured|set\s+up|defined|calculated|handled)\b|\btips\b|\brecommend\w*|\bexplain\s+(?:what|how|the\s+(?:concept|difference|idea|term))",
        ),
        (
            7.5,
            r"怎么(?:处理|办|解决|做|配|排查|操作|恢复|扩容|缩容|回滚|重启|设置|设|清理|应对|应急|修|优化|接入|切换|切|搞定?|弄|降级|申请|升级|定义|算|避免|预防|查)|如何(?![\s.,?!;。…~]*$)|怎样(?![\s.,?!;。…~]*$)|咋(?:办|处理|解决|弄|做|整|排查|恢复|配)|预案|(?<![a-z])sop(?![a-z])|手册|最佳实践|best\s?practices?|什么是|啥是|什么叫|何谓|何为|啥叫|是(?:什么|啥)(?:意思|概念|东西|含义)|什么意思|是啥意思|啥意思|文档|流程|步骤|规范|注意事项|知识库|教程|指南|(?:应急|处置|处理|解决|优化)(?:方案|办法|措施|建议)|概念|(?:有什么|有啥|有没有)(?:经验|建议|办法|好办法)|(?:的)?区别(?:是|在)|runbook|怎么才能|方法",
        ),
        (5.0, r"\bdifferences?\s+between\b|区别|不同之处|是(?:什么|啥)[\s.,?!;。…~]*$"),
        (
            3.2,
            r"^[\s.,?!;。…~]*(?:what(?:'s|\s+is|\s+are)|explain|define|tell\s+me\s+about)\s+(?:an?\s+)?[a-z][\w\s-]{2,40}[\s.,?!;。…~]*$",
        ),
    ),
    "incidents": (
        (
            6.3,
            r"\b(?:open|active|firing|current|ongoing|unresolved|list|show|how\s+many|any|which|what|all|status\s+of|still|new|number\s+of|latest|acknowledged)\b.{0,40}\b(?:incidents?|outages?|faults?|alerts?|alarms?|pages)\b|\b(?:incidents?|outages?|faults?|alerts?|alarms?)\b.{0,40}\b(?:open|active|firing|resolved|closed|today|status|still|recovered|over\b|list|ongoing|fixed|so\s+far|happened|were\s+there|did\s+we\s+have|acknowledged)|\b(?:resolved|fixed|recovered|over|back)\s+(?:yet|now|already)\b|\bis\s+(?:it|that|this|the\s+\w+)\s+(?:resolved|fixed|recovered|solved)\b|\bhas\s+@?.{0,20}\brecovered\b|\beverything\s+back\s+to\s+normal\b",
        ),
        (
            6.3,
            r"(?:哪些|多少|几个|几起|几条|几次|列出|列表|当前|还有|没恢复|未恢复|恢复了?|进展|状态|活跃|未关闭|处理完|处理到|有没有|清单|所有|最新|都有|一共|有什么|有啥|今天的?|今日|看看|看下|查看).{0,14}(?:故障|告警|报警|事故|incident|alert)|(?:故障|告警|报警|事故|incident|alert).{0,14}(?:哪些|多少|几个|几起|几条|列表|恢复|进展|状态|关闭|处理完|处理到|有没有|清单|解决了|情况|都有|数量|几次|统计|汇总)|恢复(?:了)?(?:吗|没|么|正常)|(?:解决|修好|处理好)了(?:吗|没|么)|好了(?:吗|没|么)",
        ),
        (3.8, r"\b(?:incidents?|outages?|faults?|alerts?|alarms?)\b|故障|告警|报警|事故"),
    ),
    "changes": (
        (
            6.2,
            r"\bchang(?:e|es|ed)\b|\bdeploy(?:ed|ments?|s|ing)?\b(?!\s+(?:replicas?|ready|available|status))|\breleas(?:e|es|ed)\b|\broll(?:ed)?[\s-]?outs?\b|\broll(?:ed)?\s?-?backs?\b|\brollbacks?\b|\btouched\b|\bmodified\b|\bedited\b|\bpush(?:ed|es)\b|\bshipped\b|\bmerged\b|\bcommits?\b|\bcommitted\b|\bfeature\s+flags?\b|\bupgrad(?:e|es|ed)\b|\bnew\s+versions?\b|\bconfig\w*\s+(?:updates?|edits?|pushe?s?)\b|\bmaintenance\b|\bmigrat\w+",
        ),
        (
            6.2,
            r"变更|发布|上线|部署(?!在|到哪|于)|发版|改动|改过|动过|改了|谁改|谁动|谁发|修改|配置.{0,6}(?:改|变|调|动)|回滚|升级|灰度|切换过|提交|版本(?:更新|变化|号)?|发过|改配置",
        ),
    ),
    "kubernetes": (
        (
            6.5,
            r"\bpods?\b|\bk8s\b|\bkube\w*|\boom(?:\s?-?kill(?:ed|s)?)?\b|\bcrash\s?-?loop\w*|\breplicas?\b|\breplica\s?sets?\b|\bnamespaces?\b|\bdeployments?\s+(?:ready|available|status|replicas?)|\bdaemon\s?sets?\b|\bstateful\s?sets?\b|\bcontainers?\b|\bevict(?:ed|ions?)\b|\bhpa\b|\bcluster\s+(?:events?|state|health|status)\b|\bevents?\s+(?:in|of|from)\s+(?:the\s+)?cluster|\brestart(?:s|\s+counts?)\b|\b(?:how\s+(?:many\s+times|often)|did|has|have)\b.{0,40}\brestart(?:ed)?\b|\bnot\s?ready\b|\bimage\s?pull\w*|\bpvcs?\b|\bingress\b",
        ),
        (
            6.5,
            r"(?<![a-z])pods?(?![a-z])|容器|副本|命名空间|集群(?:事件|状态|健康|里|内|有|中)|(?<![a-z])oom|重启(?:了|过)?(?:几|次数|多少|了吗|过吗|没)|(?:几次|多少次|频繁|一直|不断|反复|有没有|老)重启|crashloop|k8s|被驱逐|调度失败|镜像拉取|拉取镜像|notready",
        ),
    ),
    "topology": (
        (
            6.7,
            r"\bdepend(?:s|ed|ency|encies|ents?|ing)?\b|\bupstreams?\b|\bdownstreams?\b|\b(?:who|what)\s+(?:else\s+)?(?:calls?|uses?)\b|\bcalled\s+by\b|\bcallers?\b|\bcallees?\b|\bwhich\s+(?:\w+\s+)?(?:services?|systems?|apps?|teams?|components?)\s+(?:calls?|uses?|does|do|owns?|talks?|rel(?:y|ies)|would)\b|\btopolog\w+|\bblast\s+radius\b|\bservice\s+map\b|\barchitecture\b|\bown(?:s|er|ers|ed)\b|\bon[\s-]?call\s+for\b|\bwhich\s+team\b|\bwhere\s+(?:is|does|are|do)\b.{0,50}\b(?:deployed|run(?:s|ning)?|hosted|located|live|sit)\b|\bwhere\s+does\s+@+\s+live|\b(?:runs?|running|hosted|deployed)\s+on\b|\bwhat\s+(?:else\s+|other\s+\w+\s+)?(?:would|will|is|gets?|are|could)\s+(?:\w+\s+)?(?:be\s+|get\s+)?(?:affected|hit|impacted|broken|break)\b|\b(?:impact|affect)(?:ed|s)?\s+(?:by|if|of|when|on)\b|\bif\s+@+.{0,20}\b(?:(?:goes|is|went|were)\s+(?:down|offline|dead|unavailable)|dies|died|fails|failed|crash\w*|breaks|stops)|\bwhich\s+(?:\w+\s+)?(?:services?|systems?|apps?|components?)\s+(?:are|is|will\s+be|would\s+be|get)\s+(?:affected|hit|impacted)|\bconnected\s+to\b|\bcmdb\b|\bneighbou?rs?\b|\brel(?:y|ies)\s+on\b|\bwho\s+(?:maintains|is\s+responsible)\b|\bcall\s+graph\b|\btalks?\s+to\b",
        ),
        (
            6.7,
            r"依赖|上游|下游|上下游|谁(?:在|会)?调用|被(?:谁|哪些).{0,6}调|调用(?:了)?(?:哪些|方|谁|关系|什么)|(?:哪些|哪个|什么|谁).{0,8}调用|拓扑|影响(?:范围|面|哪些|到|什么|谁|多大|业务)|会影响|波及|牵连|负责人|谁负责|owner|归谁|归哪|哪个(?:团队|组)|谁(?:在)?(?:维护|管)|部署在|部署到哪|跑在|在哪(?:台|个|些)?(?:机器|机房|节点|主机|集群)|哪些机器上|cmdb|关联(?:关系|的)|值班(?:人|是谁|的是)|架构图|链路关系|调用关系",
        ),
        (7.7, r"如果.{0,24}(?:影响|波及)|(?:挂|宕|停|崩|下线).{0,10}(?:影响|波及)"),
    ),
    "traces": (
        (
            6.9,
            r"哪些(?:调用|请求|接口)(?:都)?(?:失败|报错|超时|变?慢)|(?:从|按|根据|查|看)(?:一?下)?(?:调用链|链路|(?<![a-z])trace)|\bwhich\s+(?:calls?|requests?|spans?)\b.{0,40}\b(?:fail\w*|slow\w*|time\w*\s+out)\b",
        ),
        (
            6.4,
            r"\b(?<!stack\s)traces?\b|\btracing\b|\bspans?\b|\bslow(?:est)?\s+(?:\w+\s+)?(?:calls?|requests?|spans?|traces?|operations?|endpoints?|transactions?\s+traces?)\b|\bfail(?:ed|ing)\s+(?:\w+\s+)?(?:calls?|requests?|spans?)\b|\bcall\s+chains?\b|\bcritical\s+path\b|\bspend(?:s|ing)?\s+(?:its|the|most|all|their).{0,14}time\b|\btime\s+(?:is\s+|was\s+|being\s+)?spent\b|\brequest\s+(?:path|flow)\b|\bcalls?\s+from\s+@+\s+to\b|\bwhere\s+(?:is|was|does|did|has)\s+(?:the\s+|all\s+the\s+)?time\s+(?:go|going|gone|spent)\b|\blongest\s+(?:calls?|spans?|requests?)\b",
        ),
        (
            6.4,
            r"调用链|链路(?!关系)|(?<![a-z])traces?(?![a-z])|(?<![a-z])spans?(?![a-z])|(?:最?慢|耗时最[长高久])的?(?:\d+|[一二三四五六七八九十几两]+)?(?:个|条|次)?(?:调用|请求|接口)|失败的?(?:调用|请求)|(?:调用|请求)失败|耗时(?:分布|在哪|都|花|主要)|时间(?:都|主要)?(?:花|耗|用)在|卡在哪|关键路径|慢调用|慢请求|慢接口|哪一?(?:跳|步|段|环).{0,4}慢",
        ),
    ),
    "transactions": (
        (
            6.3,
            r"\btransactions?\b|\btrades?\b|\b(?:orders?|payments?|purchases?|sales|bookings?|transfers?)\s+(?:volumes?|counts?|amounts?|per\s+\w+|went|success\s+rates?|made|processed|placed|completed|failed)\b|\b(?:how\s+many|number\s+of|volume\s+of|amount\s+of|total)\s+(?:\w+\s+){0,2}(?:payments?|orders?|purchases?|sales|transfers|bookings)\b|\bturnover\b|\bgmv\b|\brevenue\b|\bbusiness\s+volume\b|\bchannels?\b|\bcheckouts?\s+completed\b",
        ),
        (
            6.3,
            r"交易|成交|下单(?:量|金额|成功率|数|笔)|订单(?:量|数|金额|成功率|笔)|(?:支付|付款|转账|充值|提现|退款)(?:成功率|笔数|金额|量|总额)|笔数|金额|营业额|渠道|gmv|流水|业务量|单量",
        ),
    ),
    "logs": (
        (
            6.6,
            r"\blogs?\b|\blogg(?:ed|ing)\b|\b(?:error|warning)\s+messages?\b|\blog\s+(?:lines?|messages?|entries|templates?)\b|\bstack\s?traces?\b|\bexceptions?\b|\bgrep\b|\bstdout\b|\bstderr\b",
        ),
        (6.6, r"日志|堆栈|(?<![a-z])logs?(?![a-z])|报错信息|异常栈|错误信息"),
    ),
    "host": (
        (
            6.0,
            r"\bhosts?\b|\bmachines?\b|(?<!\bsql\s)\bservers?\b|\bnodes?\b|\bvms?\b|\bboxe?s?\b|\bbare[\s-]metal\b",
        ),
        (6.0, r"主机|节点|机器|服务器|物理机|虚拟机|宿主"),
    ),
    "metric": (
        (
            5.4,
            r"\b(?:is|was|were|are|did|has)\b.{0,60}\bslow(?:er)?\b|\bhow\s+(?:slow|fast|busy)\b|\bmetrics?\b|\bkpis?\b|\bindicators?\b|\bgo\s+above\b|\bexceed(?:ed)?\b|\b(?:did|does|has|have|was|were)\b.{0,60}\b(?:more|less|fewer|greater|higher|lower)\s+than\s+\d",
        ),
        (5.4, r"慢不慢|慢吗|慢了吗|有没有变慢|有多慢|指标|多忙|忙不忙|有没有(?:超过|低于|高于)"),
    ),
    "anomalies": (
        (
            6.9,
            r"\banomal(?:y|ies|ous)\b(?!\s+(?:in|of)\s+the\s+logs?)|\bdetect\s+(?:any\s+)?(?:anomal|outlier)\w*|\boutliers?\b|异常检测|检测.{0,10}异常|异常点",
        ),
        (
            5.2,
            r"\babnormal\w*|\bunusual\b|\bweird\b|\bstrange\b|\bodd\b|\bsuspicious\b|\b(?:un)?healthy\b|\bhealth\b|\b(?:any(?:thing)?|something|what(?:'s|\s+is|\s+looks))\s+(?:\w+\s+)?(?:wrong|broken|off|bad|amiss|up)\b|\b(?:is|are|was|were)\b.{0,50}\b(?:ok(?:ay)?|fine|all\s+right|alright|up|normal|working|stable|good|in\s+trouble|green)\b|\bhow(?:'s|\s+is|\s+are|\s+was|\s+were|\s+did)\b.{0,60}\b(?:doing|going|looking|holding|behaving|feeling|do\b|today|now)?|\bstatus\b|\bmisbehav\w+|\b(?:any|have)\s+(?:\w+\s+)?(?:problems?|issues?|trouble)\b|\bdeviat\w+|\bhealth\s?check\b|\ball\s+(?:good|ok(?:ay)?|fine|quiet|well)\b|\beverything\s+(?:ok(?:ay)?|fine|normal|good)\b|\bwhich\s+services?\b",
        ),
        (
            5.2,
            r"异常|健康|正常|有没有(?:什么)?(?:问题|异样|不对|毛病)|有(?:没有)?(?:什么)?问题|不正常|状态|怎么样|还好|咋样|稳定|不对劲|体检|巡检|波动|(?:ok|okay)\s?吗|如何[\s.,?!;。…~]*$|怎样[\s.,?!;。…~]*$|有事(?:吗|没)|活着|出什么问题|啥情况",
        ),
    ),
}

CUES: tuple[Cue, ...] = tuple(
    (intent, weight, pattern(words)) for intent, cues in _WORDS.items() for weight, words in cues
)

NOT_AN_ORDER = pattern(
    r"如何|怎么|怎样|咋|(?<![行跑理])脚本|为什么|为啥|为何|谁|什么时候|几点|有没有|是否|几次|次数|多少|哪些|哪个|什么|手册|预案|步骤|流程|sop|记录|之后|以后|前后|历史|(?<!可以)(?<!行)了吗|过(?:吗|没)|写|原因|解释|风险|频繁|反复|一直|不断|老是|影响|规则|告警|日志|报告|看|查|会不会|对比|预测|刚|被|自动"
)
"""Words beside which restarting, scaling and the like are spoken of, not ordered (Chinese has no imperative of its own)."""

ASKS = pattern(
    r"\b(?:what|which|who|whom|whose|how|why|when|where|show|list|check|find|give|look|compare|forecast|predict|write|explain|summari[sz]e|tell|pull|get|grep|draft|generate|search|see|restart|scale|roll|investigate|diagnose|analy[sz]e|detect|review|create|send|run|any)\b|^[\s,]*(?:did|does|do|is|are|was|were|has|have|can|could|will)\b"
    r"|看|查|预测|列|给我|写|有(?:什么|哪些|没有|啥)|哪|吗|么\b|多少|为什么|为啥|怎么|咋|总结|对比|生成|分析|是否|谁|什么|说|出(?:个|一份|一个)|整理|找|拉|统计|告诉|重启|回滚|扩容|顺(?:便|带)|帮|来(?:个|一份|一个)|几个|排查|诊断|检查"
)
"""What a request says besides its topic; a clause without it describes the situation."""
