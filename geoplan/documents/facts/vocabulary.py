"""The words of Chinese planning prose that tell what kind of fact a statement makes, and what it is about.

Each list is tried from its first entry on; within an entry the words are alternatives. They are words of the genre,
not of one plan.
"""

from __future__ import annotations

import re
from functools import lru_cache

from geoplan.terms import Kind

KIND_NOUNS: tuple[tuple[Kind, str], ...] = (
    (
        Kind.FARMLAND,
        (
            r"高标准(?:基本)?农田(?:示范(?:区|县|片|项目)|项目区)?|高标准粮田|吨粮田|高产稳产(?:农)?田|耕地保有量|耕地红线|(?:永久)?基本农田|"
            r"粮食生产功能区|重要农产品(?:生产)?保护区|耕地保护(?:目标|任务|面积)|补充耕地|耕地(?:总)?面积|耕地(?=[和、]|$)|高效节水灌溉(?:面积|农田)?|中低产田|"
            r"旱作(?:基本)?农田|宜机化(?:改造|农田)|撂荒地|盐碱地|垦造耕地|水田垦造"
        ),
    ),
    (
        Kind.ROUTE,
        (
            r"旅游(?:精品)?(?:线路|路线|环线|专线|干线|风景道|公路|廊道|大环线)|精品(?:线路|路线|旅游线|线)|风景道|"
            r"(?:游|之旅|采摘|观光|研学|红色|康养)(?:线路|路线)|游线|游径|绿道|骑行[道线]|步道|风景线|(?:旅游|红色|风情|观光|自驾|研学|黄金)线(?!索)|一号(?:旅游)?公路|旅游扶贫路|资源路|产业路|旅游路"
        ),
    ),
    (
        Kind.ATTRACTION,
        (
            r"景区|景点|旅游(?:重点|示范|特色|名)?(?:村|镇|度假区|目的地|点|景观|名县)|(?:历史文化|传统|特色|美丽|古)名?村(?:落|镇)?|古镇|古城|"
            r"古堡|农家乐|民宿(?:集群|村)?|采摘园|康养(?:小镇|基地)|特色小镇|度假区|田园综合体|风景名胜区|森林公园|湿地公园|地质公园|"
            r"红色(?:旅游)?资源|遗址|纪念馆|博物馆|旅游资源富集区|休闲农(?:庄|业点)|生态休闲镇|(?:茶旅|农旅|文旅|旅游)(?:融合)?示范(?:村|点|区)|驿站|民宿|(?:露|房车)?营地|滑雪场|温泉|漂流|游客(?:服务)?中心|观景台|度假村|乐园|主题公园|旅游点|"
            r"打卡点|客栈|老街|(?:历史文化|特色)街区|古街|古寨|瀑布|溶洞|花海|梯田景观|文化园|文化(?:名|古)村"
        ),
    ),
    (
        Kind.PARK,
        (
            r"(?:产业|科技|示范|加工|物流|农业|工业|创业|孵化|电商|电子商务|循环|冷链|融合|生态|众创|双创|食品|牧业|畜牧|"
            r"种业|综合|开发|经济|集聚|旅游|商贸)园(?:区)?|园区|开发区|高新区|农高区|批发市场|交易市场|农贸市场|集散地|集散中心|"
            r"(?:物流|交易|配送|集配|加工|仓储|冷链|集散|研发|创新|检测|检验|服务|展示|体验|示范|繁育|商贸|科创|培训|电商|保鲜|信息|"
            r"调度|会展|直销|分拣)中心|物流(?:港|枢纽|园|基地)|交易平台|(?:出口|商贸|集散|公共服务|创新|孵化)平台|加工集(?:聚|中)区|"
            r"产业强镇|先行(?:示范)?区|试验区|综合保税区|专业市场|冷链(?:集配)?设施|实验室|加工厂|屠宰场|屠宰厂|中央厨房|农谷"
        ),
    ),
    (
        Kind.BASE,
        (
            r"基地|示范(?:区|县|片|田|带|场|点|乡镇)|标准(?:化)?(?:园|示范园|养殖场|规模场)|养殖(?:场|小区|园区|区)|(?:育肥|繁育|奶牛|规模|种?[猪羊牛鸡鸭鹅驴兔鹿])场|种植(?:区|园|带|面积)|"
            r"生产(?:区|园)|主产区|产区|核心群|优势产区|种植|养殖|栽培|大棚|温室|牧场|果园|茶园|菜园|桑园|药园|种源|"
            r"繁育场|保种场|良种场|育苗|制种|原料林|经济林|栽植|片区种植|连片|产业县|产业村|(?:玉米|谷子|马铃薯|杂粮|小麦|水稻|大豆|蔬菜|苹果|水果|药材|养殖|豆|麦|薯|米|羊|牛|猪|果|茶|菜|药)区|专业村|特色镇|专业镇"
        ),
    ),
    (
        Kind.ZONE,
        (
            r"集聚区|优势区|产业(?:带|区|圈|片区|走廊|集群|廊道|布局(?=$|[，。；：、])|板块|群)|经济(?:带|圈|区|走廊)|片区|走廊|(?:城镇|都市|城市)(?:圈|群|带)|功能区|"
            r"(?:核心|重点|引领|先行|示范引领|发展|种养|融合|协同|特色|种植|联动)区|生态圈|屏障|隔离带|板块|沿线带|轴|增长极|区域布局(?=$|[，。；：、])|(?:融合|柑橘|蔬菜|水果|粮食|产业|种植|养殖|发展)片(?!区)|"
            r"(?:示范|整体推进|重点帮扶|先行示范|有机旱作|畜牧|粮食|农业|草牧业|产粮|养殖|种植|杂粮|蔬菜|水果|药材|茶叶|林果)(?:生产)?(?:大|强|示范)?(?:市|县)|"
            r"布局(?=$|[，。；：、])|圈层|带状|(?<![地一])带(?=[、，。；和]|$)"
        ),
    ),
    (
        Kind.PROJECT,
        (
            r"项目|工程|(?:新建|改建|扩建|改造|建设|续建|扩容|提升)(?:(?!旅游)[^，。；]){0,12}(?:水库|灌区|泵站|水厂|管网|公路|道路|桥|厂|线|站|库|渠|堤|坝)|"
            r"灌区|水库|泵站|调水|供水|抽水|水源地|生产线|种质资源(?:库|圃)|粮库|冷库|粮仓"
        ),
    ),
)
"""What a noun says of the kind of fact; the earlier kind wins where two nouns end at the same character."""

KIND_PATTERNS: tuple[tuple[Kind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern)) for kind, pattern in KIND_NOUNS
)

WEAK_NOUNS = re.compile(
    r"(?:种植|养殖|栽培|大棚|温室|牧场|果园|茶园|菜园|育苗|制种|栽植|连片|经济林|种植面积|供水|调水|抽水|布局|带状|"
    r"耕地面积|步道|绿道|景区|景点|驿站|冷库|粮库|粮仓|生产线|盐碱地|撂荒地|中低产田)$"
)
"""Kind nouns that make a fact of that kind only where a place is named: over the whole area they are indicators."""

PLANNING_VERBS = re.compile(
    r"建设|建成|打造|建立|新建|改造|扩建|改扩建|发展|培育|创建|布局|构建|形成|推进|实施|完成|规划|支持|重点|推广|扩大|达到|实现|"
    r"建好|开发|划定|认定|新增|增加|种植|养殖|提升|改建|开展|引进|稳定|落实|巩固|依托|辐射|选择|争创|争取|筹建|启动|谋划|扶持|做大做强|做强|做优"
)
"""Words of a promise; a place beside one of them is expected to give a fact."""

LOCATIVE = re.compile(r"为(?:主|重点|核心|中心|龙头|引领|依托|支撑|示范|载体|基础|骨干|主体|纽带|轴)")
"""What makes a list of places the ground of a layout (以…为重点)."""

SCOPE = re.compile(r"(?:全|我|本)(?:省|自治区|区|市|州|盟|县|旗|兵团)(?!域)")
"""Words that stand for the document's own area."""

SUBJECT_LINK = re.compile(
    r"(?:主要|重点|集中|优先|统一)?(?:以|布局(?:在|于)?|覆盖|涵盖|位于|坐落于?|落(?:户|地)(?:在|于)?|选址(?:在|于)?|串联(?:起)?|连接|途经|沿线?|"
    r"自|从|由|在|于|涉及|包括|包含|分布(?:在|于)?|集中(?:在|于)|辐射|依托)$"
)
"""What leads from a thing to the places it lies in: the thing is the fact (X产业带覆盖A、B)."""

COMPARED = re.compile(r"相比|对比|仍低|仍高|仍只|落后|差距")
"""Words beside a figure that only compare."""

NOT_PLANNED = re.compile(
    r"补贴|奖励|奖补|补助|贴息|费率|利率|罚|保费|保险费|相比|对比|比全[国省市]|占比差|仍低|仍高|落后|优惠|资格|缴纳"
)
"""Words beside a figure of no place that make it a rule or a comparison, not a promise."""

BACK_REFERENCE = re.compile(
    r"^(?:到20\d\d年，?)?(?:该|其|此|园区|集聚区|示范区|基地|区域内|项目|片区|产业带|市场|景区)"
)
"""A sentence that goes on about the place before it."""

SKIPPED_LEADS = re.compile(
    r"^[^：:。，]{0,8}(?:企业|品牌|产品|商标|名优|责任单位|牵头单位|参与单位|配合单位|单位|合作社|指导思想|依据|附件|来源|注)[：:]"
)
"""Leads of lists that name no places of the plan."""

BASELINE = re.compile(
    r"现有|已有|已建成|已达|已经|目前|截至|截止|“?十三五”?(?:末|期间|时期|以来)|20(?:1\d|20)年(?:底|末)?[，,]?(?:全|我)?|累计(?:建成|完成|认证)|"
    r"建成了|多年来形成|原有|现存|被(?:评|列|认定|授予|命名)为|位居|居全|占全(?:省|国)|取得|突破性"
)
BASELINE_HEADINGS = re.compile(
    r"发展基础|基础条件|发展现状|现状|主要成[就效绩]|发展成[就效]|取得的?成[就效]|回顾|“?十三五”?|面临|形势|存在问题"
)
LAST_BASELINE_YEAR = 2020
"""Last year before the plans of the present period (2021-2025)."""

THEME_WORDS: tuple[tuple[str, str], ...] = (
    ("high_standard_farmland", r"高标准(?:基本)?农田|高标准粮田|吨粮田"),
    ("permanent_basic_farmland", r"(?:永久)?基本农田"),
    ("cultivated_land", r"耕地保有量|耕地红线|耕地保护|耕地面积|补充耕地"),
    ("grain_functional_zone", r"粮食生产功能区|重要农产品(?:生产)?保护区"),
    ("functional_food", r"富硒|功能(?:农业|食品|农产品)|保健食?品"),
    ("brewing", r"酿品|酿造|白酒|黄酒|红酒|果酒|啤酒|葡萄酒|酒业|酒庄|食醋|陈醋|老醋|醋"),
    ("tea", r"药茶|茶叶|茶园|茶产业|绿茶|红茶|黑茶|普洱|茶"),
    (
        "coarse_grain",
        r"杂粮|谷子|小米|莜麦|燕麦|荞麦|藜麦|糜子|糜黍|黍子|高粱|绿豆|红芸豆|芸豆|杂豆|豌豆|红小豆|薏仁|青稞",
    ),
    ("potato", r"马铃薯|土豆|薯类|红薯|甘薯|种薯|木薯|脱毒薯"),
    ("maize", r"玉米"),
    ("oilseed", r"油料|胡麻|花生|油菜|油葵|向日葵|葵花|芝麻|油茶|油用牡丹|大豆油"),
    ("seed", r"种业|制种|良种繁育|种质资源|育种|南繁|保种|种子|原种"),
    ("forage", r"饲草|牧草|苜蓿|燕麦草|青贮|草业|草畜|饲料"),
    ("dairy", r"奶牛|奶业|乳业|乳品|奶源|鲜奶|生鲜乳|牛奶|奶山羊|奶粉"),
    ("pigs", r"生猪|能繁母猪|猪肉|猪"),
    ("cattle", r"肉牛|牛肉|黄牛|牦牛|肉驴|养牛|牛"),
    ("sheep", r"肉羊|绒山羊|羊肉|羔羊|滩羊|湖羊|养羊|羊"),
    ("poultry", r"家禽|蛋鸡|肉鸡|养鸡|鸡肉|禽蛋|肉鸭|蛋鸭|鹅|鸡|鸭|禽"),
    ("bees", r"蜜蜂|养蜂|蜂产业|蜂蜜|中蜂|蜂"),
    ("fish", r"渔业|水产|养鱼|鱼|虾|蟹|海水养殖|海洋牧场|贝类|网箱|藻礁|人工鱼礁|牡蛎|鲍|海参"),
    ("livestock", r"桑蚕|蚕桑|养蚕|蚕茧|畜牧|畜禽|养殖|牧区|畜产品|草食畜"),
    ("fungi", r"食用菌|香菇|木耳|菌菇|蘑菇|羊肚菌|菌棒|平菇|双孢菇|灵芝"),
    ("herbs", r"中药材|道地药材|中医药|药材|黄芪|连翘|党参|柴胡|黄芩|艾草|枸杞|当归|三七|天麻|黄精|板蓝根|药用"),
    ("nuts", r"干果|核桃|红枣|板栗|枣|杏仁|仁用杏|花椒|榛子|沙棘"),
    (
        "fruit",
        r"水果|林果|鲜果|苹果|梨|葡萄|桃|樱桃|柑橘|脐橙|柚|荔枝|龙眼|芒果|香蕉|猕猴桃|草莓|西瓜|甜瓜|瓜果|果业|果品|果园|山楂|海红果|李子|杏|柠檬|火龙果",
    ),
    (
        "vegetables",
        r"蔬菜|设施农业|设施园艺|设施蔬果|蔬果|大棚|温室|番茄|西红柿|辣椒|黄瓜|青椒|茄子|黄花|百合|莲藕|大蒜|生姜|菜",
    ),
    ("grain", r"粮食|小麦|水稻|稻谷|稻|大豆|粮田|粮油|产粮"),
    ("processing", r"农产品(?:精深)?加工|精深加工|加工业|加工|糕品|主食|食品|预制菜|化妆品"),
    ("logistics", r"冷链|物流|仓储|保鲜|配送"),
    ("market", r"批发市场|交易(?:市场|额|中心)|市场|商贸|电商|电子商务|出口平台|集散|贸易|销售额"),
    ("tourism", r"旅游|景区|景点|休闲|观光|采摘|民宿|康养|度假|农家乐|农旅|风景|游客|精品线路|研学|游"),
    ("culture", r"文化|古村|古镇|传统村落|名村|遗址|红色|非遗|纪念馆"),
    ("farmland", r"农田|旱作|耕地|节水灌溉|土地整治|盐碱地|撂荒|中低产田"),
    ("water", r"水利|水库|灌区|灌溉|供水|泵站|水源|河道|引水|调水|饮水|淤地坝|节水"),
    ("machinery", r"农机|机械化|宜机化|农业机械"),
    ("technology", r"科技|实验室|研发|创新|数字|智慧农业|信息化|技术"),
    ("poverty", r"脱贫|帮扶|扶贫|易地搬迁|搬迁"),
    ("rural", r"美丽乡村|人居环境|乡村建设|村庄|厕所|污水|垃圾|农村(?:公路|道路|住房)|危房|宜居|乡村振兴|示范村"),
    ("ecology", r"生态|森林|造林|湿地|绿化|水土保持|秸秆|粪污|沙化|退耕"),
)
"""What a statement is about. A longer word wins over one it contains; of equal ones the earlier entry."""


def _theme_table() -> list[tuple[str, re.Pattern[str]]]:
    return [(theme, re.compile(words)) for theme, words in THEME_WORDS]


THEME_PATTERNS: list[tuple[str, re.Pattern[str]]] = _theme_table()


def theme_of(*texts: str) -> str:
    """Theme of the first text that has a theme word; ``general`` where none has.

    In one text the entry that comes first in `THEME_WORDS` wins, whatever its place in the text.
    """
    return next((theme for text in texts if (theme := _theme(text))), "general")


# A sentence's words and the headings above it are asked for every figure in it.
@lru_cache(maxsize=4096)
def _theme(text: str) -> str:
    return next((theme for theme, pattern in THEME_PATTERNS if pattern.search(text)), "")


def kind_of(text: str) -> tuple[Kind, int, int] | None:
    """Kind of the last kind noun in `text`, with the noun's characters: what stands last heads a Chinese noun phrase.

    Where two nouns end at the same character the longer one counts, and of equal ones the earlier entry.
    """
    best: tuple[int, int, int, Kind, int] | None = None
    for rank, (kind, pattern) in enumerate(KIND_PATTERNS):
        for match in pattern.finditer(text):
            found = (match.end(), match.end() - match.start(), -rank, kind, match.start())
            if best is None or found[:3] > best[:3]:
                best = found
    return (best[3], best[4], best[0]) if best else None
