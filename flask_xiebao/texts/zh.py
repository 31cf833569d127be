"""The texts in Simplified Chinese."""

TEXTS = {
    "language": "zh-CN",
    # The name of the site on the extension's pages. If empty, the pages show the host.
    "site.name": "",
    # The texts of a card.
    "card.insurer": "本产品由{insurer}承保",
    "card.terms": "投保须知",
    "card.old_price": "原价",
    "card.insured": "已投保",
    "card.view_policy": "查看保单",
    # The QR code of an entry.
    "qr.label": "用手机扫码投保",
    "qr.name": "二维码",
    "qr.mail": "在电脑上？用手机扫码打开",
    # The page that sends the browser to a link that was requested by a script.
    "navigate.title": "正在打开…",
    "navigate.open": "没有自动打开？请点这里",
    "navigate.continue": "继续",
    # The handoff page.
    "handoff.title": "用手机继续",
    "handoff.how": "请用手机打开此页面，扫码后无需再次登录。",  # Only sites' own templates use it.
    "handoff.step.open": "打开微信\u200b或相机",
    "handoff.step.scan": "扫描二维码",
    "handoff.step.go_on": "在手机上\u200b继续",
    "handoff.code": "二维码：用手机扫码继续",
    "handoff.minutes": "二维码 {count} 分钟内有效。",
    "handoff.seconds": "二维码 {count} 秒内有效。",
    "handoff.left": "二维码将在 {time} 后失效。",
    "handoff.over": "二维码已过期",
    "handoff.refresh": "换一个新的二维码",
    "handoff.private": "二维码代表您本人，请勿转发给他人。",
    "handoff.direct": "我正在用平板或手机，直接打开",
    # The pages for refused clicks, by reason.
    "notice.login_required.title": "请先登录",
    "notice.login_required.text": "登录后即可继续投保或查看保单。",
    "notice.login_required.elsewhere": "请先在网站上登录，再重新打开这个链接。",
    "notice.another_member.title": "这个链接属于另一位会员",
    "notice.another_member.text": "您登录的账号与链接不一致。请换成链接所属的账号登录，再继续。",
    "notice.another_member.elsewhere": (
        "您登录的账号与链接不一致。请先退出当前账号，用链接所属的账号登录，再重新打开这个链接。"
    ),
    "notice.not_allowed.title": "您无法打开这个链接",
    "notice.not_allowed.text": "您的账号目前没有权限使用这项服务。如有疑问，请联系本站客服。",
    "notice.invalid_link.title": "链接无效",
    "notice.invalid_link.text": "链接可能不完整，或者已被修改。请从网站上重新打开。",
    "notice.disabled.title": "保险服务暂停使用",
    "notice.disabled.text": "目前无法打开保险页面，请稍后再试。",
    "notice.expired.title": "链接已过期",
    "notice.expired.text": (
        "为了保护您的账号，这个链接只在一段时间内有效。请登录后继续，或者重新获取链接。"
    ),
    "notice.expired.elsewhere": (
        "为了保护您的账号，这个链接只在一段时间内有效。请先登录网站，再打开链接，或者重新获取链接。"
    ),
    "notice.login": "去登录",
    "notice.switch": "换个账号登录",
    "notice.start": "返回网站首页",
    "notice.start_to_login": "去首页登录",
    # The simulator.
    "simulator.title": "携保网关模拟器（不出售任何保险）",
    "simulator.heading": "携保网关模拟器",
    "simulator.what": (
        "这里不是携保，不出售任何保险，也不收款；只检查请求是否符合接口文档，并像携保一样通知商家。"
    ),
    "simulator.accepted": "已接受：{page}",
    "simulator.refused": "已拒绝：{page}",
    "simulator.received": "收到的参数（sign 只显示首尾两位）",
    "simulator.parameter": "参数",
    "simulator.value": "值",
    "simulator.meaning": "说明",
    "simulator.platform": "{meaning}：{value} = {platform}",
    "simulator.nothing": "没有参数",
    "simulator.abandoned": "您放弃了投保，没有产生订单。",
    "simulator.buy": "购买：{product}",
    "simulator.cover": "{start} 至 {end}",
    "simulator.offer": "{cover}，¥{price}",
    "simulator.two_people": "两人投保（¥{price}）",
    "simulator.paid": "支付成功",
    "simulator.failed": "支付失败",
    "simulator.not_issued": "出单失败",
    "simulator.abandon": "放弃",
    "simulator.manner": "怎样通知商家",
    "simulator.times": "每条通知发送",
    "simulator.times.1": "一次",
    "simulator.times.2": "两次",
    "simulator.times.3": "三次",
    "simulator.backwards": "倒序发送",
    "simulator.late": "暂不发送，到下一步操作或点击“再次通知”时再发",
    "simulator.forged": "每条通知之前，先发一条签名错误的",
    "simulator.no_url": "没有通知商家：应用没有注册 notification_handler，也没有设置 notify_url。",
    "simulator.order": "订单",
    "simulator.state": "状态",
    "simulator.state.unpaid": "未支付",
    "simulator.state.paid": "已支付，未出单",
    "simulator.state.issued": "已出单，保障有效",
    "simulator.state.surrendered": "已退保",
    "simulator.person_surrendered": "已退保",
    "simulator.number": "投保单号",
    "simulator.policy": "保单号",
    "simulator.product": "产品",
    "simulator.dates": "保障期间",
    "simulator.price": "保费",
    "simulator.pay": "支付",
    "simulator.issue": "出单",
    "simulator.surrender": "退保",
    "simulator.surrender_one": "其中一人退保",
    "simulator.reissue": "退保重出",
    "simulator.again": "再次通知",
    "simulator.messages": "发给商家的通知",
    "simulator.kind": "通知",
    "simulator.kind.1": "投保",
    "simulator.kind.2": "支付",
    "simulator.kind.3": "出单",
    "simulator.kind.4": "退保",
    "simulator.kind.5": "退保重出",
    "simulator.kind.9": "电子保单",
    "simulator.forged_one": "签名错误",
    "simulator.step_failed": "失败",
    "simulator.sent": "发送次数（含重试）",
    "simulator.count": "{count} 次",
    "simulator.answer": "商家的响应",
    "simulator.not_sent": "尚未发送",
    "simulator.unreachable": "无法连接（{why}）",
    "simulator.no_order": (
        "链接没有问题，但模拟器里没有投保单号 {number} 的订单：模拟器只保存在这里投保产生的订单。"
    ),
    "simulator.back": "返回商家",
    "simulator.file": "这不是真正的保单。模拟保单号：{policy}\n",
    # The meanings of the interface document's parameters.
    "meaning.partnerId": "渠道账号，由携保为每个渠道分配",
    "meaning.subPartnerId": "渠道子账号，当子账号投保时必传",
    "meaning.partnerUniqKey": "渠道会员唯一标识，即渠道自己的会员的 ID",
    "meaning.platform": "平台类型",
    "meaning.paySuccess": "支付成功后跳转的网址，base64 编码",
    "meaning.sign": "md5(apiKey + partnerId)，32 位小写",
    "meaning.unknown": "文档里没有这个参数",
    # The parts of lists.
    "list.comma": "、",
    "list.sentences": "{first}{then}",
    "list.platform": "{code}（{platform}）",
    # The problems of a gateway URL.
    "problem.page": "网关没有这个页面（{value}）：路径只能是 {pages}。",
    "problem.address": "网址有误：要以 https:// 或 http:// 开头，非 ASCII 字符要做百分号编码。",
    "problem.missing": "缺少 {parameter}（{meaning}）：文档 {section} 要求必传。",
    "problem.spaces": (
        "不认识参数“{parameter}”：应写作 {value}，前后不能有空格，大小写要和文档一致。"
    ),
    "problem.html": (
        "“{parameter}”前面是 HTML 的 &amp;，应当是 &{value}：请从地址栏复制网址，"
        "不要从网页源代码复制。"
    ),
    "problem.misspelt": "不认识参数“{parameter}”：应写作 {value}，大小写要和文档一致。",
    "problem.unknown": (
        "不认识参数“{parameter}”：文档 {section} 里没有，请去掉；如果是携保告诉您的，"
        "请登记在 XIEBAO_EXTRA（模拟器则是 also_known）。"
    ),
    "problem.repeated": "{parameter} 出现了 {value} 次：只能出现一次。",
    "problem.space": "{parameter} 里有空格或换行：请去掉，或写成 %20。",
    "problem.escapes": "{parameter} 的转义有误：请按 UTF-8 做 URL 编码（百分号编码）。",
    "problem.empty": "{parameter} 是空的：请给出值（{meaning}）。",
    "problem.partner": "partnerId 不是 {value}：请用携保分配的渠道账号。",
    "problem.sign": (
        "sign={value} 不对：应为 md5(apiKey + partnerId) 的 32 位小写十六进制，"
        "请核对 apiKey 是不是这个环境的。"
    ),
    "problem.sign_shape": (
        "sign 不对：格式有误，应为 md5(apiKey + partnerId) 的 32 位小写十六进制。"
    ),
    "problem.sign_is_key": (
        "sign 不对：填写的像是 API 密钥，不是签名，文档 2.1 的示例就是这样。"
        "看到这个网址的人可能已经拿到密钥：请通知密钥的主人向携保申请更换。"
        "签名应为 md5(apiKey + partnerId)，32 位小写十六进制。"
    ),
    "problem.host": (
        "{value} 不是携保的网关，只是看起来像。携保网关的域名是 api.xiebao18.com，"
        "测试网关的是 testapi.xiebao18.com。"
    ),
    "problem.scheme": "网址以 http:// 开头，传输途中的人能读到 sign：请改成 https://。",
    "problem.port": "携保的网关不在端口 {value} 上：请去掉端口。",
    "problem.platform": "platform 不对（{value}）：文档 {section} 只接受 {platforms}。",
    "problem.no_pc": "platform 不对（{value}）：文档 {section} 只接受 {platforms}，目前不支持 PC。",
    "problem.pay_success_plus": "paySuccess 里有空格：base64 的 + 要写成 %2B。",
    "problem.pay_success_url_safe": (
        "paySuccess 用了 URL 安全的 base64：请用标准的，即 + 和 /，不是 - 和 _。"
    ),
    "problem.pay_success_star": (
        "paySuccess 不是标准 base64：文档 2.3 示例里的 * 只是占位，请换成真正的值。"
    ),
    "problem.pay_success_base64": (
        "paySuccess 不是标准 base64：请对网址做 base64 编码，并保留末尾的 =。"
    ),
    "problem.pay_success_url": (
        "paySuccess 解码后不是完整的网址：应以 http:// 或 https:// 开头，有域名，"
        "没有空白和控制字符，按 UTF-8 编码。"
    ),
    "problem.user": "域名 {value} 前面有用户名：请去掉，它会误导查看网址的人。",
    "check.failure": "{meaning}实际：{actual}。预期：{expected}。",
    "check.failure.actual": "{meaning}实际：{actual}。",
    # The explanations of the check's rules: what a member suffers, and what to do.
    "check.means.crash": (
        "网站抛出异常，访客看到错误页。请修改抛出异常的代码。如果 member_loader 调用了 abort"
        "()，请让它在访客未登录时返回 None。如果代码需要会员的数据，请用 --member 指定会员。"
    ),
    "check.means.unreached.address": (
        "应用没有处理这个地址的视图：请检查 SERVER_NAME 和 TRUSTED_HOSTS 是否允许这个"
        "域名，XIEBAO_PUBLIC_URL 是否以应用的挂载路径结尾，以及是否有中间件或别的应用占用 XI"
        "EBAO_URL_PREFIX 以下的路径。"
    ),
    "check.means.unreached.view": (
        "点击打开的是网站的另一个视图，不是保险页面：请修改 XIEBAO_URL_PREFIX。"
    ),
    "check.means.unreached.redirect": (
        "点击在扩展读取链接之前就被重定向，访客到不了保险页面。如果来自网站的登录拦截，请放行入口"
        '的请求：if request.blueprint == "xiebao": return，扩展会自行校验登录。如果网站在另一个地'
        "址，请设置 XIEBAO_PUBLIC_URL。"
    ),
    "check.means.unreached.limiter": (
        '限流拒绝了点击：请放宽，或者放行入口：limiter.exempt(app.blueprints["xi'
        'ebao"])。只放行检查工具时，请用 limiter.request_filter(is_rehear'
        "sal)。"
    ),
    "check.means.unreached.wall": (
        "点击在扩展读取链接之前就被网站的钩子函数或扩展拒绝，常见原因是登录拦截、CSRF 防护或者对"
        '域名的检查。请放行入口的请求：if request.blueprint == "xiebao": return。如果钩子函数还负'
        "责设置当前登录的会员，请先设置再放行。"
    ),
    "check.means.status": (
        "点击的响应状态码不对，访客看到的是别的页面。301 和 308 会被浏览器记住，同一"
        "台设备上的下一位会员会使用前一位的身份。请检查改动响应的钩子函数、errorhand"
        "ler 或中间件。使用 Flask-DebugToolbar 时，请把 DEBUG_"
        "TB_INTERCEPT_REDIRECTS 设为 False。"
    ),
    "check.means.address": (
        "点击没有到 XIEBAO_ENV 或 XIEBAO_BASE_URL 的网关，会员连"
        "同 sign 被送到别的地址：请检查改动跳转的钩子函数和中间件。"
    ),
    "check.means.parameter": (
        "网关 URL 的一个参数不对或缺少，网关会拒绝访客、把业绩算给别的账号或者显示别的页"
        "面：请检查改动跳转的钩子函数和中间件，以及 XIEBAO_EXTRA 和 XIEBA"
        "O_APP_USER_AGENT。如果缺少 paySuccess，说明网站不知道自己"
        "的地址：请设置 XIEBAO_PUBLIC_URL。"
    ),
    "check.means.secret": (
        "sign 或 API 密钥出现在这里，看到的人可以冒充任何会员。请找出是哪里放进去的。"
    ),
    "check.means.header": (
        "一个保护会员的响应头缺少或者被改动，缓存、搜索引擎或别的网站可能得到会员的链接。钩子"
        "函数、中间件、代理和 CDN 都不要改动扩展的响应头。"
    ),
    "check.means.vary": (
        "缓存可能把一种设备的页面发给另一种设备。请保留 Vary 响应头，或者把 XIEBA"
        "O_DEVICE_MARKUP 设为 False。@cache.cached 会丢掉"
        "响应头。"
    ),
    "check.means.private": (
        "页面有会员的链接，但响应头允许共享缓存把页面给别人看。请保留响应头，不要为所有人缓存"
        "这个页面。@cache.cached 会丢掉响应头。"
    ),
    "check.means.private.shown": (
        "未登录的访客看到了会员的链接。请不要为所有人缓存这个页面（例如 @cache.cac"
        "hed），也不要给入口传固定的会员。"
    ),
    "check.means.entry.dead": (
        "点击入口没有反应，因为它所在的元素截获了点击，或者属性取消了点击。请把入口移到这个元"
        "素外面，或者去掉这个属性。"
    ),
    "check.means.entry.hidden": (
        "页面上的入口都被隐藏或停用，无法点击：请去掉这个属性或样式。如果是有意的（例如产品售"
        "罄），请忽略规则 entry.hidden。"
    ),
    "check.means.link": (
        "访客到不了网关，因为链接不是本站签名的、在页面上或途中被改动，或者已经过期。请保留宏"
        "生成的 href，在访问页面时生成链接，并检查 <base href>、钩子函数和中"
        "间件是否改动了网址。更换 SECRET_KEY 之后，请把旧密钥写进 SECRET_"
        "KEY_FALLBACKS。"
    ),
    "check.means.page": (
        "会员打不开这个页面。如果页面需要登录或指定的会员，请加上 --login 或 --m"
        "ember；否则请改正 --page，或者查看网站的日志。"
    ),
    "check.means.page.empty": (
        "页面在任何设备上都没有保险入口：页面写对了吗，这位会员看得到入口吗？如果可以没有，请"
        "忽略规则 page.empty。"
    ),
    "check.means.page.no_link": (
        "页面上有入口的链接，但它不是 <a> 的 href，无法点击。如果宏的 HTML 被"
        "转义，请去掉转义的过滤器。如果链接是表单的 action，请改用 <a>。"
    ),
    "check.means.page.another_member": (
        "页面上的链接是另一位会员的，点击会得到错误页：请检查入口的 member 参数，也不"
        "要为所有人缓存这个页面（例如 @cache.cached）。"
    ),
    "check.means.left_out": "页面上少了入口或它的一部分，因为模板给宏的参数不对：请改模板。",
    "check.means.static": (
        "扩展的样式表或脚本加载不了，入口看起来只是普通链接：请放行 XIEBAO_URL_P"
        "REFIX 以下的路径。如果是 Content-Security-Policy 挡住"
        "的，请加上 'self'，或者传入页面的 nonce：xiebao_styles(n"
        "once=…)。"
    ),
    "check.means.policy.form": (
        "登录后 Chromium 不会继续前往网关，因为登录页的 Content-Secur"
        "ity-Policy 不允许：请把网关写进 form-action。"
    ),
    "check.means.guard": (
        "click_guard 拒绝了这位会员：请用 --member 指定一位它放行的会员"
        "，或者不要给它拒绝的会员显示入口。"
    ),
    "check.means.anonymous": (
        "未登录的访客以一位会员的身份去了网关，所有访客共用一个账号。没有登录时，member"
        "_loader 请返回 None，也不要缓存它的返回值。"
    ),
    "check.means.login": (
        "要登录的访客没有到达能打开、登录后能回到链接的登录页：请把 XIEBAO_LOGIN"
        "_VIEW 设为登录页的 endpoint，登录成功后跳转到 next。"
    ),
    "check.means.session": (
        "检查时会员已经登录，但点击时不再是登录状态：请检查 SESSION_COOKIE_PATH 和 SESS"
        "ION_COOKIE_DOMAIN，以及清空会话的代码，例如在这个页面或支付后的页面里。"
    ),
    "check.means.members.unknown": (
        "网站不知道谁已登录，需要登录的点击都返回 401：请添加 member_loader"
        "。如果只有免登录链接（no_login_for），请添加返回 None 的 memb"
        "er_loader。"
    ),
    "check.means.members.guessable": (
        "网关用可以猜到的标识识别会员，看到过一个网关 URL 的人就能打开别人的账号：请设置"
        " XIEBAO_MEMBER_SECRET。如果会员已有保单，还要添加 keeps_"
        "plain_key。"
    ),
    "check.means.environment": "网站的环境不是 --expect-env 指定的那个：请改正其中一个。",
    "check.means.settings.late": (
        "一项设置是在 Xiebao(app) 或 init_app(app) 读取之后才修改"
        "的，不会生效：请在初始化扩展之前设置。"
    ),
    "check.means.unknown_address": (
        "网站不知道自己的地址，支付后无法返回，邮件里的链接和二维码也无法生成：请设置 XIE"
        "BAO_PUBLIC_URL。"
    ),
    "check.means.handoff": (
        "电脑上的扫码页到不了网关。如果 xiebao/handoff.html 是网站自己的"
        '模板，请输出一次 {{ code }}，以及 href="{{{{ dire'
        'ct }}}}" 的链接。如果地址不对，请改正 XIEBAO_PUBLIC_URL。'
    ),
    "check.means.way_back": (
        "支付后，会员看不到入口指定的页面，因为返回的链接或者那个页面打不开。请修改那个页面或"
        "者入口的 return_to，并检查改动跳转的钩子函数。如果地址不对，请改正 XIE"
        "BAO_PUBLIC_URL。"
    ),
    # The notes of the check.
    "check.note.pages": (
        "没有打开网站的任何页面，只做了三项内置点击。请用 --page 指定每个有保险入口的"
        "页面，例如 --page /orders/8。"
    ),
    "check.note.no_login": (
        "不知道登录页在哪里，未登录的访客点击后看到的是 401 页面：请用 XIEBAO_LOGIN_VIEW 指定。"
    ),
    "check.note.everybody": (
        "每个访客都被当成同一位已登录的会员，就像示例网站那样。上线之前，没有登录时请让 me"
        "mber_loader 返回 None。"
    ),
    "check.note.simulated_login": (
        "检查没有让会员登录，因为网站没有使用 Flask-Login，也没有指定登录函数。会"
        "员只是被当作已登录，member_loader 没有经过测试。请指定登录函数，例如 "
        "--login tests.login:log_in。"
    ),
    "check.note.return_pages": "没有指定会员，所以没有打开支付后的返回页：请加上 --member。",
    "check.note.off": "XIEBAO_ENABLED 已关闭，所以没有做检查自己的点击。",
    # The names of the check's own clicks.
    "check.case.site": "设置",
    "check.case.address": "网站的地址",
    "check.case.product-plain": "会员点击产品链接",
    "check.case.product-visitor": "未登录的访客点击产品链接",
    "check.case.product-changed": "点击签名错误的链接",
    # The words of the check's report.
    "check.report.title": "保险入口检查报告",
    "check.report.site": "网站",
    "check.report.environment": "环境",
    "check.report.gateway": "网关",
    "check.report.versions": "版本",
    "check.report.at": "时间",
    "check.report.colon": "：",
    "check.report.counts": "通过 {passed} 项，不通过 {failed} 项",
    "check.report.on": "{place}，{device}",
    "check.report.anonymous": "{entry}（未登录）",
    "check.report.actual": "实际",
    "check.report.expected": "预期",
    "check.report.places": "位置",
    "check.report.more": "还有 {count} 项",
    "check.report.problems": "问题（{count} 个）",
    "check.report.all": "全部入口",
    "check.report.entry": "入口",
    "check.report.rule": "规则",
    "check.report.ignored": "忽略的规则：{rules}。",
    # The findings of inspect about a URL.
    "level.ok": "正常",
    "level.WARNING": "警告",
    "level.ERROR": "错误",
    "level.counts": "错误 {errors} 项，警告 {warnings} 项。",
    "inspect.refused": "网关会拒绝这个网址。",
    "inspect.nobody": "没有人能打开这个链接。",
    "inspect.page": "{where}的{title}（{section}）。",
    "inspect.where.test": "测试网关",
    "inspect.where.production": "生产网关",
    "inspect.here": "本站的网关",
    "inspect.no_gateway": (
        "{host} 不是携保的网关。如果是您自己的模拟器，请指定 XIEBAO_BASE_URL 指向它的应用："
        "flask --app …。"
    ),
    "inspect.other_env": (
        "本站的 XIEBAO_ENV 是 {env}，测试和生产环境的密钥不同：在本站正确的 sign，在那里无效。"
    ),
    "inspect.other_gateway": "这不是本站的网关，本站的是 {base_url}。",
    "inspect.cut": "后面还有内容吗？请给网址加上引号：shell 会在第一个 & 处截断。",
    "inspect.parameter": "{name}={value}：{meaning}。",
    "inspect.platform": "{meaning}：{value} = {name}",
    "inspect.space": "里面有空格，而携保的代码都不含空格：是不是复制时带上的？",
    "inspect.unset": "没有设置",
    "inspect.sign.another": "sign={sign}：格式正确。没有核对：属于别的账号。",
    "inspect.sign.env": (
        "测试和生产环境的密钥不同，本站的 XIEBAO_ENV 是 {env}：这是那个环境的网址吗？"
    ),
    "inspect.sign.unchecked": "sign={sign}：格式正确。没有用密钥核对：{why}",
    "inspect.sign.here": "sign={sign} 是用本站所在环境的密钥计算的：{where}会拒绝。",
    "inspect.sign.there": "sign={sign}：格式正确。没有核对：本站没有{where}的密钥。",
    "inspect.sign.right": "sign={sign}：和设置的密钥相符。",
    "inspect.key.nobody": (
        "partnerUniqKey={key}：本站没有给过任何人。设置 XIEBAO_MEMBER_SECRET 之后，"
        "标识是 partner_uniq_key(member) 的返回值。"
    ),
    "inspect.key.member": "partnerUniqKey={key}：会员 {member} 的标识。",
    "inspect.pay_success": "paySuccess：支付后浏览器前往 {url}",
    "inspect.link.another_page": "这不是 {page} 页面的链接：令牌是别的页面的。",
    "inspect.link.no_member": "这不是 {page} 页面的链接：令牌里没有会员。",
    "inspect.link.refused": "点击这个链接会得到 {status}（{cause}），会员登录后也一样。",
    "inspect.neither": (
        "这不是网关的页面，也不是本站的链接；本站的链接以下列路径之一开头：{paths}。"
    ),
    "inspect.off": "XIEBAO_ENABLED 已关闭：这个链接返回 404。",
    "inspect.click": (
        "这是本站支付后的返回链接，不能证明已经支付：会员 {member} 的点击 {click_id}，{when}。"
    ),
    "inspect.qr": "这是邮件里的二维码，画的是下面这个链接。",
    "inspect.token": "这个链接不是本站生成的，或者已被改动。",
    "inspect.host": "链接的域名是 {host}，本站的地址是 {site}。",
    "inspect.entry": "指向{title}（{section}）。",
    "inspect.back_to": "支付后返回",
    "inspect.about": "本站单号",
    "inspect.member.none": "没有写明会员：点击者登录后，以自己的身份进入。",
    "inspect.member.own": "属于会员 {member}，签于 {when}：只有本人登录后才能打开。",
    "inspect.member.past": (
        "属于会员 {member}，签于 {when}，{no_login_for} 秒的免登录时间已过："
        "只有本人登录后才能打开。"
    ),
    "inspect.member.bearer": (
        "属于会员 {member}，签于 {when}：{no_login_for} 秒的免登录时间还剩 {left} 秒，"
        "拿到它的人都能以这位会员的身份打开，除非登录的是另一位会员。"
    ),
    "suspects": "可能的原因在这些请求钩子函数里：{hooks}。",
    # The findings of doctor.
    "doctor.late": (
        "{name} 在 Xiebao(app) 或 init_app(app) 读取设置之后才修改，不起作用：请在此之前设置。"
    ),
    "doctor.env.unset": (
        '没有设置 XIEBAO_ENV：真正销售保险的网站请设为 "production"，否则设为 "test"。'
    ),
    "doctor.skipped": "其他检查都没有进行：请改正设置，再运行一次。",
    "doctor.misspelt": "没有 {name} 这项设置：是不是 {meant}？",
    "doctor.unknown": "{name} 不是 Flask-Xiebao 的设置：请删除。",
    "doctor.ok.setting": "{name}：{value}",
    "doctor.ok.hidden": "{name} 已设置，不显示",
    "doctor.ok.default": "{name} 没有设置（默认：{default}）",
    "doctor.default": "无",
    "doctor.default.XIEBAO_API_KEY": "无",
    "doctor.default.XIEBAO_ENV": "test",
    "doctor.default.XIEBAO_BASE_URL": "XIEBAO_ENV 对应的网关",
    "doctor.default.XIEBAO_LOCALE": "跟随 Flask-Babel，没有则为 zh",
    "doctor.default.XIEBAO_STRICT": "调试和测试时开启",
    "doctor.off": "XIEBAO_ENABLED 已关闭：不显示入口，链接返回 404。",
    "doctor.gateway.other": (
        "XIEBAO_ENV 是 {env}，XIEBAO_BASE_URL 却是 {other} 环境的网关，密钥不同：请删除"
        " XIEBAO_BASE_URL。"
    ),
    "doctor.gateway.missing": (
        "XIEBAO_BASE_URL 是本站的路径 {path}，但应用在这个路径下没有网关："
        "请把 GatewaySimulator 的蓝图注册到该路径，或者删去 XIEBAO_BASE_URL。"
    ),
    "doctor.ok.gateway.test": "入口跳转到 {url}（test：保单都不是真的）。",
    "doctor.ok.gateway.production": "入口跳转到 {url}（production：保单都是真的）。",
    "doctor.simulator": (
        "XIEBAO_ENV 是 production，却注册了 GatewaySimulator 的蓝图，它会返回 404。"
        "真正销售保险的网站请不要注册：模拟器的签名会被当成携保的。"
    ),
    "doctor.nobody": (
        "网站没有 member_loader，也没有使用 Flask-Login，无法判断谁已登录，"
        "需要登录的链接都返回 401。请添加 member_loader。如果网站只生成免登录链接（no_login_for），"
        "请添加返回 None 的 member_loader。"
    ),
    "doctor.ok.member_loader": "由 member_loader 判断谁已登录。",
    "doctor.ok.flask_login": "由 Flask-Login 判断谁已登录。",
    "doctor.login_view.misspelt": "XIEBAO_LOGIN_VIEW：没有端点 {view}，是不是 {meant}？",
    "doctor.login_view": "XIEBAO_LOGIN_VIEW：没有端点 {view}，请用 flask routes 查看全部端点。",
    "doctor.async": "{hooks}：异步函数要安装 Flask 的可选依赖：pip install 'flask[async]'。",
    "doctor.address.mail": (
        "没有设置 XIEBAO_PUBLIC_URL，网站不知道自己的地址：在请求之外无法生成邮件里的链接。请设置，"
        "例如 https://shop.example（开发时用 http://127.0.0.1:5000）。"
    ),
    "doctor.address.production": (
        "没有设置 XIEBAO_PUBLIC_URL，网站不知道自己的地址：在生产环境里，"
        "邮件里的会员链接和二维码都无法生成，支付后也无法返回。请设置，"
        "例如 https://shop.example（开发时用 http://127.0.0.1:5000）。"
    ),
    "doctor.leaving.this_machine": (
        "发到站外的链接以 {url} 开头（{source}），打开链接的人会访问到自己的机器："
        "请改成网站的地址。"
    ),
    "doctor.leaving.http": (
        "发到站外的链接以 {url} 开头（{source}），传输途中的人能读到："
        "请把 XIEBAO_PUBLIC_URL 设为 https://…。"
    ),
    "doctor.ok.leaving": "发到站外的链接以 {url} 开头（{source}）。",
    "doctor.root": (
        "APPLICATION_ROOT 是 {root}，发到站外的链接却不在这个路径下："
        "请让 XIEBAO_PUBLIC_URL 以 {root} 结尾。"
    ),
    "doctor.prefix": (
        "XIEBAO_PUBLIC_URL 以 {path} 结尾，ProxyFix 却不采用 X-Forwarded-Prefix，"
        "页面上的链接可能缺少 {path} 而打不开。"
        "如果代理在每个请求上都自己设置 X-Forwarded-Prefix，请给 ProxyFix 加上 x_prefix=1，"
        "否则不要加；也可以让服务器设置 SCRIPT_NAME。"
    ),
    "doctor.ok.prefix.set": (
        "ProxyFix 信任 X-Forwarded-Prefix：代理必须在每个请求上都自己把它设为 {path}。"
    ),
    "doctor.ok.prefix.none": (
        "ProxyFix 信任 X-Forwarded-Prefix。代理设置了路径时，XIEBAO_PUBLIC_URL 要以该路径结尾，否则"
        "支付返回和通知都是 404；没有设置时，代理要删去这个请求头，因为访客也能发送。"
    ),
    "doctor.ok.mount": (
        "XIEBAO_PUBLIC_URL 和 APPLICATION_ROOT 都以 {path} 结尾：请确认服务器把 SCRIPT_NAME 设为"
        " {path}。"
    ),
    "doctor.mount": (
        "XIEBAO_PUBLIC_URL 以 {path} 结尾，但应用没有使用 ProxyFix，也没有自己挂在那里，"
        "页面上的链接可能缺少 {path}。如果前面的代理在每个请求上都自己设置 X-Forwarded-Prefix，"
        "请用 ProxyFix(..., x_prefix=1)。如果由服务器设置 SCRIPT_NAME，请把 APPLICATION_ROOT 设为"
        " {path}。"
    ),
    "doctor.cache": (
        "Flask-Caching 忽略 Vary：缓存的页面上是第一台设备的入口，在手机上会另开窗口。"
        "请把 XIEBAO_DEVICE_MARKUP 设为 False。"
    ),
    "doctor.cookie": (
        "SESSION_COOKIE_SAMESITE 是 Strict：从支付页返回、从邮件点进来的人都会变成未登录。请设为"
        ' "Lax"。'
    ),
    "doctor.key.weak": (
        "SECRET_KEY 太短或已经公开，猜到它的人能伪造链接。请生成一个："
        'python -c "import secrets; print(secrets.token_hex())"。'
    ),
    "doctor.key.weak_fallback": (
        "SECRET_KEY_FALLBACKS 中的一个密钥太短或已经公开，猜到它的人能伪造链接：请删去它。"
    ),
    "doctor.key.old": "SECRET_KEY_FALLBACKS 中的一个",
    "doctor.key.api_key": (
        "SECRET_KEY 或 SECRET_KEY_FALLBACKS 中的一个和 XIEBAO_API_KEY 相同：拿到后者的人能伪造链"
        '接。请另外生成一个：python -c "import secrets; print(secrets.token_hex())"。'
    ),
    "doctor.ok.key": "链接用 SECRET_KEY 签名。",
    "doctor.api_key": (
        "XIEBAO_API_KEY 太短：拿到 sign 的人能暴力破解出密钥，而每位点击的会员都能拿到 sign。"
        "请向携保索取随机的长密钥，至少 32 位。"
    ),
    "doctor.member_secret.known": (
        "XIEBAO_MEMBER_SECRET 已经公开，谁都能算出会员的标识。请在第一位会员点击之前换一个："
        'python -c "import secrets; print(secrets.token_hex())"。'
    ),
    "doctor.member_secret.same": (
        "XIEBAO_MEMBER_SECRET 与 {name} 是同一个值：更换后者，会员密钥也随之更换，"
        "网关会把每位会员都当成新会员。如果还没有会员点击过，请另选会员密钥；如果已经有，"
        "请保留会员密钥，更换另一个。"
    ),
    "doctor.ok.ids.keys": "网关用标识识别会员，标识由 XIEBAO_MEMBER_SECRET 生成。",
    "doctor.ids": (
        "网关用{what}识别会员：看到过一个网关 URL 的人，就能拼出其他会员的 URL。"
        "请设置 XIEBAO_MEMBER_SECRET；会员已有保单时，见 keeps_plain_key。"
    ),
    "doctor.ids.get_id": "会员的 get_id()（Flask-Login，多数网站是自增 ID）",
    "doctor.ids.row": "自增 ID（行号）",
    "doctor.ok.ids": (
        "网关用会员 ID 本身识别会员。如果 ID 可猜测（例如自增 ID），请设置 XIEBAO_MEMBER_SECRET。"
    ),
    "doctor.clicks.none": "无法检查链接，请修正：{error}",
    "doctor.clicks.every": "所有链接",
    "doctor.clicks.wrong": "{where}：{what}",
    "doctor.ok.page": "{page}（{section}）：链接能生成、能打开，并跳转到网关。",
    "doctor.ok.paid.url": "入口写了 return_to 的，支付后浏览器返回 {site}{path}",
    "doctor.ok.paid.path": "入口写了 return_to 的，支付后浏览器返回本站的 …{path}",
    "doctor.ok.login.none": "未登录的访客看到 401 页面。可以用 XIEBAO_LOGIN_VIEW 指定登录页。",
    "doctor.ok.login.sent": "未登录的访客会跳转到 {to}。",
    "doctor.ok.login.gets": "未登录的访客得到 {status}。",
    "doctor.plain": (
        "对网关不可能认识的会员，keeps_plain_key 也返回了 True：请只对设置 XIEBAO_MEMBER_SECRET 之"
        "前就有的会员返回 True。"
    ),
    "doctor.everybody": (
        "没有 Cookie 的请求也被当成某位会员的，所有人都会以这位会员的身份进入：未登录时，"
        "请让 member_loader 返回 None。"
    ),
    "doctor.notify.guessed": (
        "XIEBAO_NOTIFY_TOKEN 和网站的另一个密钥相同，或者容易猜到，而交给携保的回调地址里就有它。请"
        '换一个：python -c "import secrets; print(secrets.token_hex())"。'
    ),
    "doctor.notify": "notify：{what}",
    "doctor.ok.notify.handler": "notify：网站能接收通知，并交给 notification_handler 处理。",
    "doctor.ok.notify.reader": (
        "notify：网站能接收通知，并交给 notification_reader 和 notification_handler 处理。"
    ),
    "doctor.notify.unheard": (
        "没有 notification_handler，或者没有导入它所在的模块，网站无法得知会员的投保情况。"
        "通知会发到 {url}。"
    ),
    "doctor.notify.unsent": "无法发送通知：{error}",
    "doctor.notify.counted": (
        "Flask-Limiter 把通知也计入限流，而携保只从少数几个地址发送："
        '请用 limiter.exempt(app.view_functions["xiebao.notify"]) 排除。'
    ),
    "doctor.notify.size": "MAX_CONTENT_LENGTH 太小，收不下通知。请设为 262144（256 KiB）或更大。",
    "doctor.notify.body": (
        "通知到达之前，请求体已被 request.stream 或表单解析读完。"
        "钩子函数请用 request.get_data() 或 get_json() 读取，请求体会保留。"
    ),
    "doctor.notify.answer": (
        "对通知的响应在返回途中被 after_request 钩子函数或中间件改动了，"
        '携保要求的是 200 {{"state": true}}：请不要改动蓝图 xiebao 的响应。'
        "现在的状态码是 {status}。"
    ),
    "doctor.notify.fails": "处理通知时出错，请修正：{error}",
    "doctor.notify.view": "{path} 对应的视图：{view}。请修改 XIEBAO_URL_PREFIX。",
    "doctor.notify.address": (
        "通知被重定向到 {to}，而携保不跟随重定向：请把 XIEBAO_PUBLIC_URL 设为那个地址，"
        "并使用 https。"
    ),
    "doctor.notify.sent": (
        "通知被重定向到 {to}，可能来自全站登录拦截：请放行，扩展会自行校验："
        'if request.blueprint == "xiebao": return。'
    ),
    "doctor.notify.limiter": (
        '通知得到 {status}，可能来自限流：请用 limiter.exempt(app.view_functions["xiebao.notify"])'
        ' 排除它，或者放行，扩展会自行校验：if request.blueprint == "xiebao": return。'
    ),
    "doctor.notify.wall": (
        "通知得到 {status}，可能来自 CSRF 防护或全站登录拦截：请用"
        ' csrf.exempt(app.view_functions["xiebao.notify"]) 排除它，或者放行，扩展会自行校验：if'
        ' request.blueprint == "xiebao": return。'
    ),
    "doctor.notify_url.path": (
        "要交给携保的回调地址以 {url} 结尾：设置 XIEBAO_PUBLIC_URL 之后会显示完整的地址。"
    ),
    "doctor.notify_url.http": (
        "要交给携保的回调地址是 {url}，没有用 https，传输途中的人能读到通知里的姓名：请使用 https。"
    ),
    "doctor.ok.notify_url": "要交给携保的回调地址是 {url}",
    "doctor.ok.notify_url.open": (
        "回调地址可以猜到：把它交给携保之前，请先设置 XIEBAO_NOTIFY_TOKEN。"
    ),
    "doctor.ok.notify_url.this_machine": (
        "通知发到 {url}，携保访问不到：开发时请用模拟器，或者 flask xiebao notify。"
    ),
    "doctor.httpx": (
        "没有安装 httpx，xiebao.orders 无法核实通知的内容：pip install 'Flask-Xiebao[orders]'。"
    ),
    "doctor.purchases.unheard": (
        "Purchases 收不到通知：请加上 xiebao.notification_handler(purchases.handle)。"
    ),
    "doctor.purchases.shared": (
        "另一个网站也用这个渠道账号销售（only=），没有会员密钥就分不清 ID 相同的两位会员：请给每个"
        "网站设置不同的 XIEBAO_MEMBER_SECRET。"
    ),
    "doctor.purchases.unread": (
        "无法使用 {table} 所在的数据库（{error}）：请检查数据库是否在运行，"
        "并用网站自己的环境运行这个命令。"
    ),
    "doctor.purchases.missing": (
        "数据库 {database} 里没有表 {table}：请先确认这是网站使用的数据库，再用 db.create_all()，"
        "或 flask db migrate 和 flask db upgrade 创建。"
    ),
    "doctor.purchases.lacks": "表 {table} 缺少 {columns}：请执行数据库迁移。",
    "doctor.purchases.unset": (
        "记录无法写入，因为 {table} 的 {columns} 不能为 NULL，也没有默认值：请设置默认值，"
        "或允许 NULL。"
    ),
    "doctor.ok.purchases": (
        "投保记录保存在 {table}，用单独的数据库会话写入；如果您的会话写了同一行而没有提交，"
        "它会等待。"
    ),
    "doctor.ok.clicks": "产品页和首页入口的点击在请求结束时保存到表 {table}。",
    # The errors of the link command.
    "doctor.gateway.http": (
        "入口跳转到 {url}，没有加密，网络上的任何人都能看到签名和会员标识：请改用 https:// 地址。"
    ),
    "doctor.debug": (
        "XIEBAO_ENV 是 production，但调试模式或 TESTING 开着：这时信任任何 Host，错误页会显示代码。"
        "请关闭两者。"
    ),
    "doctor.environment": (
        "app.config 里没有这些环境变量：{names}。请在 Xiebao(app) 或 init_app(app) 之前调用"
        " app.config.from_prefixed_env()。"
    ),
    "doctor.online": "网关没有接受订单查询。{error}",
    "doctor.online.simulator": "本应用里的模拟器没有接受订单查询。{error}",
    "doctor.online.hook": (
        "如果是网站的钩子函数（例如 CSRF 防护）拒绝了查询，"
        '请在其中放行：if request.blueprint == "xiebao_gateway": return。'
    ),
    "doctor.ok.online.simulator": (
        "本应用里的模拟器在 {seconds} 秒后接受了订单查询。要用携保的网关检查账号和密钥，"
        "请去掉 XIEBAO_BASE_URL，再运行 flask xiebao doctor --online。"
    ),
    "doctor.ok.online": "网关在 {seconds} 秒后接受了订单查询，说明账号、密钥和 XIEBAO_ENV 相符。",
    "doctor.online.clock": "本机和网关的时钟大约相差 {seconds} 秒：请校准本机的时钟。",
    "doctor.ok.online.clock": "本机和网关的时钟大约相差 {seconds} 秒。",
    "query.refused": "网关拒绝了订单查询（respCode {code}，说明：“{message}”）。",
    "query.refused_without_message": "网关拒绝了订单查询（respCode {code}）。",
    "query.means.signature": (
        "很可能 XIEBAO_API_KEY 不是这个账号在这个环境的密钥：请检查 XIEBAO_API_KEY、"
        "XIEBAO_PARTNER_ID 和 XIEBAO_ENV。"
    ),
    "query.means.unknown": (
        "很可能这个账号在这个环境没有这个订单：请检查投保单号、XIEBAO_PARTNER_ID 和 XIEBAO_ENV。"
    ),
    "order.member": "会员 {member}",
    "order.no_member": "不是本站会员",
    "order.member_error": "无法确定会员：{error}",
    "order.unknown_status": "未知",
    "order.fen": "{price} 分",
    "order.surrendered": "已退保",
    "reconcile.environment": "没有网站的 SECRET_KEY，或它无效：请用网站自己的环境运行这个命令。",
    "reconcile.no_purchases": "应用没有 Purchases 对象：请创建，或导入创建它的模块。",
    "reconcile.difference": "{number}：{row} -> {gateway}，{outcome}",
    "reconcile.no_row": "没有记录",
    "reconcile.repaired": "已修正",
    "reconcile.not_repaired": "未修正",
    "reconcile.other_member": "网关说是另一个会员，或没有会员",
    "reconcile.summary": "已比较 {compared} 个，不一致 {different} 个，已修正 {repaired} 个。",
    "reconcile.stopped": "比较 {compared} 个订单之后停止。{error}",
    "reassign.done": "{number}：记录中的会员与网关一致。",
    "prune.no_clicks": "应用的 Purchases 对象不保存点击：请用参数 clicks 传入点击的模型类。",
    "reconcile.future": "日期 {date} 在将来：请用过去的日期。",
    "prune.done": "已删除 {count} 次点击。",
    "notify.result": "{url}：{response}",
    "notify.no_response": "没有响应，{error}",
    "notify.production": (
        "XIEBAO_ENV 是 production，而这个命令发送的通知说的是没有发生过的投保：请只在测试环境使用。"
    ),
    "notify.account": "没有设置 XIEBAO_PARTNER_ID 或 XIEBAO_API_KEY：请都设置，通知要用它们签名。",
    "notify.means.0": "请检查网站是否已启动、能否用这个地址访问，或用 --url 指定别的地址。",
    "notify.means.403": "网站的 XIEBAO_API_KEY 与这个命令的不同：请用同样的设置运行两者。",
    "notify.means.404": (
        "网站在这个地址没有回调：请添加 notification_handler，用网站的 XIEBAO_NOTIFY_TOKEN，"
        "或用 --url 指定地址。"
        "flask xiebao doctor 会显示回调地址。"
    ),
    "notify.means.500": (
        "notification_handler 抛出了异常，或返回了值：请查看网站的日志。查询网关的处理函数"
        "（例如 purchases.handle）会抛出 OrderBehindError，因为网关没有确认这条通知"
        "（日志级别是 INFO）：请在模拟器上投保来测试。"
    ),
    "notify.means.other": (
        "这不是回调的响应：请检查是哪个钩子函数，或网站前面的哪个服务器返回了它。"
        "flask xiebao doctor 会检查钩子函数。"
    ),
    "link.reference": "{page} 页面需要 REFERENCE，即它的 {name}。",
    "link.whose": "{page} 页面的链接要指明属于谁。",
    "link.who": "{page} 页面的 partnerUniqKey 要指明会员。",
    "link.off": "没有链接：XIEBAO_ENABLED 已关闭。",
    "link.nobody": "没有链接：--member 是空的。",
    "link.gateway": (
        "--gateway 不能与 --no-login-for、--return-to、--client-reference、--external、--local"
        " 同时使用。"
    ),
}
