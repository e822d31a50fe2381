-- Staged events into the store, with what is known of their user agent, URL and referrer. Slot: wanted, which rows.
insert into events (
    site, event, key, ts, id, arrival, seq, type, message_id, original_ts, received, visitor, user, previous, `group`,
    session, url, host, path, referrer, referrer_host, title, channel, utm_source, utm_medium, utm_campaign, utm_term,
    utm_content, click_id_kind, click_id, country, device, os, os_version, browser, browser_version, bot, language,
    timezone, screen, value, currency, items, props, traits, analytics, ads, gpc, mode, ip, library, source
)
select
    s.site, s.event, s.key, s.ts, s.id, s.arrival, s.seq, s.type, s.message_id, s.original_ts, s.received, s.visitor, s.user,
    s.previous, s.`group`, s.session, s.url, p.host, p.path, s.referrer, p.referrer_host, s.title, p.channel, p.utm_source,
    p.utm_medium, p.utm_campaign, p.utm_term, p.utm_content, p.click_id_kind, p.click_id, s.country, a.device, a.os,
    a.os_version, a.browser, a.browser_version, if(s.bot != '', s.bot, a.bot), s.language, s.timezone, s.screen, s.value,
    s.currency, s.items, s.props, s.traits, s.analytics, s.ads, s.gpc, s.mode, s.ip, s.library, s.source
from staged as s
any left join agents as a on s.agent = a.agent
any left join places as p on s.place = p.place
where s.ok and /*wanted*/
