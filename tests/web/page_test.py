#!/usr/bin/env python3
"""Tests of the web page in a real browser.

Against the mock agent (default):   page_test.py [--case NAME]... [--screenshots DIR]
Against a running agent:            page_test.py --url http://127.0.0.1:4327/ --expect-suspect COMM [--timeout 60]

Exits 0 when all is well, 1 with the reason when not, 77 when no browser or no driver is installed.
"""

import argparse
import importlib.util
import re
import shutil
import sys
import traceback

from mock_agent import HOSTILE_NAMES, Agent

SKIPPED = 77
PAYMENTS = '#/suspect/process:4711:1471100/rss_anon'
INDEXER = '#/suspect/process:4822:1482200/rss_anon'
ALL_PAGES = ['#/', PAYMENTS, INDEXER, '#/subjects', '#/cgroups', '#/host', '#/alerts', '#/status']


def ready(browser):
    """Until the view that is open shows the agent's first answer."""
    browser.until(lambda: browser.count('#freshness[data-state="live"]') == 1 and browser.count('main[aria-busy]') == 0,
                  'a first answer')


def visit(browser, base, fragment):
    browser.open(base + fragment)
    ready(browser)


def check_clean(browser, base, tolerated=()):
    """No dialog, no request to elsewhere, nothing in the console but lines that hold a tolerated word."""
    assert not browser.has_dialog(), 'a dialog is open'
    unexpected = [line for line in browser.problems() if not any(word in line for word in tolerated)]
    assert unexpected == [], unexpected
    assert browser.outside_requests(base) == [], browser.outside_requests(base)


def check_suspect_listed(browser, comm, seconds=20):
    """The overview names the suspect, its state and a reason; answers its link."""
    def card():
        for element in browser.all('.cards .card'):
            if comm in browser.run('return arguments[0].querySelector(".card-name")?.textContent ?? ""', element):
                return element
        return None
    found = browser.until(card, f'a card of the suspect {comm}', seconds)
    words = found.text.replace('\u00a0', ' ')
    assert any(state in words for state in ('leaking', 'suspected', 'recovering')), words
    assert browser.run('return arguments[0].querySelector(".card-reason").textContent', found).strip(), 'no reason'
    return found


def drawn(browser, what):
    """What the chart says that it has drawn: readings, floors, line, forecast, limit, marks."""
    return browser.run('return document.querySelector(".chart")?.dataset[arguments[0]] ?? ""', what)


def check_chart(browser, line=True, limit=True):
    """The drawing holds readings, floors and, where asked for, the fitted line, the forecast and the limit."""
    browser.until(lambda: int(drawn(browser, 'readings') or 0) > 1, 'readings in the chart')
    assert int(drawn(browser, 'floors')) >= 5, 'too few floors in the chart'
    if line:
        assert drawn(browser, 'line') == 'yes', 'no fitted line'
    if limit:
        assert drawn(browser, 'limit') == 'yes', 'no limit'
    summary = browser.run('return document.querySelector(".chart").getAttribute("aria-label")')
    assert 'floors' in summary, summary


def check_search(browser, base, comm):
    """Typing a name into the list of processes finds it."""
    visit(browser, base, '#/subjects')
    browser.until(lambda: browser.count('.subjects tbody tr') > 0, 'rows')
    browser.one('#search').send_keys(comm)
    browser.until(lambda: browser.count('.subjects tbody tr') > 0 and all(
        comm.lower() in row.text.lower() for row in browser.all('.subjects tbody tr')), f'only rows with {comm}')


def case_suspect(browser, agent, shots):
    visit(browser, agent.url, '#/')
    check_suspect_listed(browser, 'payments')
    evidence = browser.run('return [...document.querySelectorAll(".card-evidence")].map((p) => p.hidden ? "" : p.textContent)')
    # One card a program, though three signals tell of the first one's leak.
    cause = ('80 % of the growth is memory that the program holds; 15 % is stacks of threads: 48 threads, +12/h, 2.6 MiB of stack each; '
             '5 % is memory that its allocator keeps free.')
    builds = 'Since build v1.4.2, 7 h 50 min ago: +222 MB/h; build v1.4.1 before it: level (seen for 2 d 1 h).'
    assert evidence == [f'{cause} 90 % of the growth is in user_cache, phase grow. {builds} Its threads grow too: 12 an hour.', '', ''], evidence
    headline = browser.text('.headline')
    assert 'payments is leaking' in headline and '4 h 40 min \u2013 6 h 30 min' in headline, headline
    browser.screenshot(shots, 'overview')
    browser.one('.cards .card-name').click()
    ready(browser)
    check_chart(browser)
    assert drawn(browser, 'forecast') == 'yes'
    assert drawn(browser, 'marks') == '5', 'not every state change and build is drawn'
    assert browser.count('.gates tbody tr') == 12
    assert browser.count('.gates tr[data-outcome="passed"]') == 11
    assert '212 MiB/h' in browser.text('main') and '198 \u2013 230' in browser.text('main')
    assert 'in 5 h 1' in browser.text('.figures-wide'), browser.text('.figures-wide')
    assert browser.text('.evidence') == f'{cause} {builds} Its threads grow too: 12 an hour.', browser.text('.evidence')
    assert 'build v1.4.1' in browser.run('return document.querySelector("[aria-labelledby=lives-title]").textContent')
    assert 'v1.4.2, 3f2a90c1d4e50000' in browser.text('.facts'), browser.text('.facts')
    links = browser.run('return [...document.querySelectorAll(".captures a")].map((a) => new URL(a.href).pathname + " " + a.textContent)')
    assert links[2].endswith('/api/v1/evidence/20261129T061905Z-4711-leaking/heap.pb.gz heap profile') and len(links) == 4, links
    assert browser.text('.captures').startswith('Evidence'), browser.text('.captures')
    browser.screenshot(shots, 'suspect')
    floors = int(drawn(browser, 'floors'))
    browser.one('.segments button').click()  # 1 h
    browser.until(lambda: 0 < int(drawn(browser, 'floors')) <= floors / 4, 'the chart of one hour')
    browser.one('.check input').click()
    browser.until(lambda: drawn(browser, 'forecast') == 'no', 'the chart without its forecast')
    visit(browser, agent.url, INDEXER)
    check_chart(browser)
    assert 'no upper bound' in browser.text('.figures-wide')
    assert 'watched for 7 h 50 min, needs 30 h' in browser.text('.gates tr[data-outcome="failed"]')
    browser.screenshot(shots, 'suspected')
    check_clean(browser, agent.url)


def case_servers(browser, agent, shots):
    agent.show('leaks')
    visit(browser, agent.url, '#/subjects')
    browser.until(lambda: browser.count('.subjects tbody tr') > 0, 'rows')
    visit(browser, agent.url, '#/subjects?scope=external')
    browser.until(lambda: 'external.targets' in browser.text('main'), 'how to follow other servers')
    agent.show('servers')
    visit(browser, agent.url, '#/subjects?scope=external')
    browser.until(lambda: browser.count('.subjects tbody tr') == 2, 'the series of other servers')
    assert browser.run('return document.querySelector("#scope").selectedOptions[0].text') == 'Series of other servers'
    assert 'shop{pod="<b>pay</b>"}' in browser.text('.subjects tbody')
    browser.screenshot(shots, 'servers')
    browser.one('#search').send_keys('cart')
    browser.until(lambda: browser.count('.subjects tbody tr') == 1, 'the one that was searched')
    browser.one('.subjects tbody a').click()
    check_chart(browser, line=False, limit=False)
    check_clean(browser, agent.url)
    visit(browser, agent.url, '#/status')
    browser.until(lambda: browser.count('.servers tbody tr') == 2, 'the servers')
    assert 'Connection timed out <b>after</b> 10 s' in browser.text('.servers')
    assert '12 series were left out' in browser.text('.servers')
    browser.screenshot(shots, 'servers_status')
    check_clean(browser, agent.url)
    agent.show('leaking servers')
    visit(browser, agent.url, '#/')
    browser.until(lambda: browser.text('.headline').startswith('2 series are leaking'), 'what leaks, by what it is')
    check_clean(browser, agent.url)


def case_processes(browser, agent, shots):
    agent.show('many')
    visit(browser, agent.url, '#/subjects')
    browser.until(lambda: 'of 5,003' in browser.text('.pager'), 'the total')
    assert browser.count('*') < 2500, f'{browser.count("*")} elements for 5,003 processes'
    browser.screenshot(shots, 'processes')
    browser.one('.pager button:last-child').click()
    browser.until(lambda: '51 \u2013 100' in browser.text('.pager'), 'the second page')
    browser.one('th[data-key="name"] button').click()
    browser.until(lambda: browser.count('th[data-key="name"][aria-sort="ascending"]') == 1, 'sorting by name')
    browser.until(lambda: browser.text('.pager').find('1 \u2013 50') >= 0, 'the first page again')
    check_search(browser, agent.url, 'search-indexer')
    assert browser.count('.subjects tbody tr') == 1
    assert '610 MiB' in browser.text('td.col-value') and '560 MiB' in browser.text('td.col-floor')
    browser.one('#search').clear()
    browser.one('#search').send_keys('no such process')
    browser.until(lambda: 'matches \u201cno such process\u201d' in browser.text('main'), 'an empty answer in words')
    visit(browser, agent.url, '#/subjects?state=suspected')
    browser.until(lambda: browser.count('.subjects tbody tr') == 1, 'only the suspected one')
    visit(browser, agent.url, '#/subject/process:142:1014200/rss_anon')
    check_chart(browser, line=False, limit=False)
    check_clean(browser, agent.url)


def row_of(browser, name):
    for row in browser.all('.cgroups tbody tr'):
        if name in browser.run('return arguments[0].querySelector(".row-title").textContent', row):
            return row.text.replace('\u00a0', ' ')
    return ''


def case_cgroups(browser, agent, shots):
    visit(browser, agent.url, '#/cgroups')
    browser.until(lambda: browser.count('.cgroups tbody tr') == 18, 'rows')
    payments = browser.until(lambda: '23 %' in row_of(browser, 'payments.service') and row_of(browser, 'payments.service'),
                             'the share of time in which it stalls, from two readings')
    assert 'leaking' in payments and '78 %' in payments and 'of 4 GiB, its own' in payments, payments
    assert browser.run('return document.querySelector(".cgroups tbody tr .col-kills").textContent') == '2'
    assert 'this host' in row_of(browser, 'db.service') and 'suspected' in row_of(browser, 'db.service')
    assert 'limit of /kubepods.slice/pod_1' in row_of(browser, 12 * 'c'), row_of(browser, 12 * 'c')
    bare = row_of(browser, 'without-pressure')
    assert '0 %' not in bare and bare.count('\u2013') >= 3, f'what is not known is shown as a number: {bare}'
    text = browser.run('return document.querySelector("main").textContent')
    for spelled in (HOSTILE_NAMES[0], HOSTILE_NAMES[1], 'inv\\u{202e}gpj.exe', 'zero\\u{200b}width'):
        assert spelled in text, f'{spelled} is missing'
    assert browser.count('main img, main script') == 0
    browser.screenshot(shots, 'cgroups')
    browser.one('th[data-key="unreclaimable"] button').click()
    browser.until(lambda: browser.count('th[data-key="unreclaimable"][aria-sort="descending"]') == 1, 'sorting')
    browser.one('#search').send_keys('db.service')
    browser.until(lambda: browser.count('.cgroups tbody tr') == 1, 'the one that is searched')
    browser.one('#search').clear()
    browser.one('#search').send_keys('no such path')
    browser.until(lambda: 'No cgroup matches \u201cno such path\u201d' in browser.text('main'), 'an empty answer in words')
    agent.show('quiet')
    visit(browser, agent.url, '#/cgroups')
    browser.until(lambda: 'The agent has read no cgroup' in browser.text('main'), 'no cgroups, in words')
    check_clean(browser, agent.url)


def case_victims(browser, agent, shots):
    visit(browser, agent.url, '#/')
    victims = browser.until(lambda: browser.text('.victims'), 'the victims')
    assert 'Killed for want of memory: 8 processes within 24 h' in victims, victims
    assert 'payments' in victims and 'held 3.2 GiB' in victims and re.search(r'\d min.* ago', victims), victims
    assert browser.count('.victims-list li') == 5 and 'long-gone' not in browser.run(
        'return document.querySelector(".victims-list").textContent'), 'more than the newest'
    assert HOSTILE_NAMES[0][:15] in victims and HOSTILE_NAMES[1] in victims, victims
    top = browser.run('return document.querySelector(".victims").getBoundingClientRect().top')
    assert top < 400, f'the victims begin at {top} px'
    browser.screenshot(shots, 'victims')
    browser.one('.victims-more a').click()
    browser.until(lambda: browser.count('.victims-list li') == 9, 'all of them')
    browser.one('.victims-list a').click()
    ready(browser)
    check_chart(browser)
    facts = browser.until(lambda: browser.text('.facts'), 'the facts')
    assert re.search(r'2\.9 GiB, read \d.* ago', facts), facts
    assert 'Former lives' in browser.text('main') and 'ended by a reboot' in browser.text('main')
    visit(browser, agent.url, INDEXER)
    browser.until(lambda: 'not read' in browser.text('.facts'), 'memory that was not sampled, in words')
    assert browser.text('.history li:first-child').startswith('suspected'), browser.text('.history')
    agent.show('ailing')
    visit(browser, agent.url, '#/')
    victims = browser.until(lambda: browser.text('.victims'), 'what counters tell')
    assert 'payments.service' in victims and '2 processes killed' in victims and 'kernel\u2019s log' in victims, victims
    agent.show('quiet')
    visit(browser, agent.url, '#/')
    assert browser.text('.victims') == '', 'a panel without victims'
    check_clean(browser, agent.url)


def case_hostile_names(browser, agent, shots):
    visit(browser, agent.url, '#/subjects?search=&sort=pid&order=asc')
    browser.until(lambda: browser.count('.subjects tbody tr') == 50, 'rows')
    text = browser.run('return document.querySelector("main").textContent')
    for verbatim in ('<img src=x onerror=alert(1)>', '"><script>alert(1)</script>', '${{7*7}}{{x}}', '../../etc/passwd'):
        assert verbatim in HOSTILE_NAMES and verbatim in text, f'{verbatim} is not shown as written'
    for spelled in ('inv\\u{202e}gpj.exe', 'two\\nlines\\ttab', '\\e[31mred', '\\u{2066}\\u{2067}isolates', 'zero\\u{200b}width', '(no name)'):
        assert spelled in text, f'{spelled} is missing'
    for hidden in '\u202e\u2066\u2067\u200b\ufeff\x1b\n\t':
        assert hidden not in text, f'{hidden!r} reached the page'
    assert browser.count('main img, main script, main iframe') == 0
    for fragment in ('#/subject/%3Cimg%20src=x%20onerror=alert(1)%3E', '#/nowhere/<script>alert(1)</script>', '#/subject/%', '#/constructor'):
        visit(browser, agent.url, fragment)
        assert browser.count('main img, main script') == 0
        assert not browser.has_dialog()
        browser.problems()
    check_clean(browser, agent.url, tolerated=['404'])
    visit(browser, agent.url, '#/subject/process:114:1011400/rss_anon')
    browser.until(lambda: 'gpj' in browser.driver.title, 'the name in the title')
    assert '\u202e' not in browser.driver.title
    browser.screenshot(shots, 'hostile')


def case_keyboard(browser, agent, _):
    for fragment in ('#/', PAYMENTS, '#/subjects', '#/cgroups', '#/alerts', '#/status'):
        visit(browser, agent.url, fragment)
        browser.until(lambda: browser.count('main table tbody tr, main .card') > 0, f'content of {fragment}')
        reached, reachable = browser.tab_through()
        assert set(reachable) <= set(reached), f'{fragment}: Tab does not reach {set(reachable) - set(reached)}'
    visit(browser, agent.url, PAYMENTS)
    check_chart(browser)
    browser.run('document.querySelector(".u-over").focus()')
    value = lambda: browser.run('return document.querySelector(".u-over").getAttribute("aria-valuetext")')
    browser.press('\ue011')  # Home
    first = value()
    browser.press('\ue014', '\ue014')  # arrow right twice
    assert value() != first and 'floor' in value(), value()
    assert browser.run('return document.querySelector(".u-cursor-x").getBoundingClientRect().height') > 50, 'no cursor'
    visit(browser, agent.url, '#/subjects')
    browser.until(lambda: browser.count('.subjects tbody tr') > 0, 'rows')
    browser.run('document.querySelector("th[data-key=floor] button").focus()')
    browser.press('\ue007')  # Enter
    browser.until(lambda: browser.count('th[data-key="floor"][aria-sort="descending"]') == 1, 'sorting by floor')
    assert browser.run('return document.activeElement.closest("th")?.dataset.key') == 'floor', 'sorting lost the focus'
    assert browser.count('header') == browser.count('main') == browser.count('footer') == 1
    assert browser.count('nav[aria-label]') == 2 and browser.count('h1') == 1
    check_clean(browser, agent.url)


def case_phone(browser, agent, shots):
    browser.resize(360, 740)
    for scene, fragments in (('leaks', ALL_PAGES), ('ailing', ['#/status', '#/']), ('learning', ['#/'])):
        agent.show(scene)
        for fragment in fragments:
            visit(browser, agent.url, fragment)
            name = fragment.strip('#/').split('/')[0] or 'overview'
            browser.screenshot(shots, f'phone-{scene}-{name}')
            assert browser.overflow() <= 0, f'{fragment} is {browser.overflow()} px too wide'
    check_clean(browser, agent.url)


def case_contrast(browser, agent, shots):
    for dark in (False, True):
        browser.colours(dark)
        for scene, fragments in (('leaks', ALL_PAGES), ('quiet', ['#/']), ('ailing', ['#/status', '#/'])):
            agent.show(scene)
            for fragment in fragments:
                visit(browser, agent.url, fragment)
                poor = browser.poor_contrast()
                assert poor == [], f'{"dark" if dark else "light"} {fragment}: {poor}'
                if dark:
                    name = fragment.strip('#/').split('/')[0] or 'overview'
                    browser.screenshot(shots, f'dark-{scene}-{name}')


def case_recovery(browser, agent, shots):
    visit(browser, agent.url, '#/')
    check_suspect_listed(browser, 'payments')
    check_clean(browser, agent.url)
    agent.stop()
    notice = browser.until(lambda: browser.text('#connection'), 'a notice that the agent is away')
    assert notice.startswith('Agent not reachable since'), notice
    assert 'payments' in browser.text('.cards'), 'the last values are gone'
    assert browser.count('#freshness[data-state="lost"]') == 1
    browser.screenshot(shots, 'unreachable')
    agent.start()
    browser.until(lambda: browser.text('#connection') == '', 'recovery')
    browser.until(lambda: browser.count('#freshness[data-state="live"]') == 1, 'fresh data')
    agent.stop()
    browser.open('about:blank')
    agent.start()
    visit(browser, agent.url, '#/')
    check_suspect_listed(browser, 'payments')
    check_clean(browser, agent.url, tolerated=['ERR_CONNECTION_REFUSED', 'ERR_CONNECTION_RESET', 'ERR_EMPTY_RESPONSE'])


def case_empty_states(browser, agent, shots):
    agent.show('leaks')
    visit(browser, agent.url, '#/')
    check_suspect_listed(browser, 'payments')
    agent.show('quiet')  # the open page follows without being reloaded
    browser.until(lambda: 'Nothing is leaking' in browser.text('.headline'), 'the change of scene')
    assert browser.count('.cards .card') == 0
    browser.screenshot(shots, 'quiet')
    agent.show('learning')
    browser.until(lambda: 'No suspects. 12 processes are watched (above 16 MiB); the first verdict needs about 9 min'
                  in browser.text('.headline'), 'what is being waited for')
    browser.screenshot(shots, 'learning')
    assert '12 watched' in browser.text('.host'), browser.text('.host')
    visit(browser, agent.url, '#/subject/process:128:1012800/rss_anon')
    browser.until(lambda: 'Learning: the first verdict needs about 9 min at this interval.' in browser.text('.reason'),
                  'a process that is being learned')
    agent.show('empty')
    visit(browser, agent.url, '#/')
    browser.until(lambda: 'none is watched' in browser.text('.headline'), 'nothing watched')
    visit(browser, agent.url, '#/alerts')
    browser.until(lambda: 'No alert is pending or firing' in browser.text('main'), 'no alerts, in words')
    agent.show('ailing')
    visit(browser, agent.url, '#/')
    browser.until(lambda: 'Collector self fails' in browser.text('main'), 'the failing collector')
    visit(browser, agent.url, '#/status')
    browser.until(lambda: '14 refused: no permission' in browser.text('.collectors'), 'what could not be read')
    browser.screenshot(shots, 'agent')
    visit(browser, agent.url, '#/subject/cgroup:/system.slice/db.service/rss_anon')
    browser.until(lambda: 'Stable' in browser.text('.reason') and browser.text('h1') == 'db.service',
                  'a subject with slashes')
    agent.show('leaks')
    visit(browser, agent.url, '#/subject/process:191:1019100/rss_anon')
    browser.until(lambda: 'Stable' in browser.text('.reason'), 'a stable process')
    visit(browser, agent.url, '#/subject/process:205:1020500/rss_anon')
    browser.until(lambda: 'Too small to be watched' in browser.text('.reason'), 'a small process')
    assert 'swap pass 16 MiB;' in browser.text('.chart-empty'), browser.text('.chart-empty')
    visit(browser, agent.url, '#/alerts')
    browser.until(lambda: browser.count('.card.alert') == 1, 'the alert')
    browser.screenshot(shots, 'alerts')
    check_clean(browser, agent.url)


def case_stillness(browser, agent, _):
    """Updates move nothing: the layout shift after the first answer stays near 0."""
    for fragment in ('#/', PAYMENTS, '#/subjects', '#/cgroups'):
        visit(browser, agent.url, fragment)
        browser.until(lambda: browser.count('.card, .chart[data-readings], .subjects tbody tr') > 0, 'content')
        browser.run('window.shift = 0; window.asked = performance.getEntriesByType("resource").length;'
                    'new PerformanceObserver((list) => { for (const entry of list.getEntries()) window.shift += entry.value; })'
                    '.observe({ type: "layout-shift" })')
        browser.until(lambda: browser.run('return performance.getEntriesByType("resource").filter('
                                          '(entry) => entry.name.endsWith("/status")).length') >= 3, 'two updates')
        shift = browser.run('return window.shift')
        assert shift < 0.01, f'{fragment}: layout shift {shift}'


def case_prefix(browser, _, shots):
    agent = Agent('leaks', '/behind/a/proxy/').start()
    try:
        visit(browser, agent.url, '#/')
        check_suspect_listed(browser, 'payments').find_element('css selector', '.card-name').click()
        check_chart(browser)
        check_clean(browser, agent.url)
    finally:
        agent.stop()


CASES = {name.removeprefix('case_'): function for name, function in list(globals().items()) if name.startswith('case_')}


def run_cases(names, shots):
    from browser import Browser
    failed = []
    for name in names:
        agent = Agent().start()
        with Browser() as browser:
            try:
                CASES[name](browser, agent, shots)
                print(f'ok      {name}', flush=True)
            except Exception:
                traceback.print_exc()
                browser.screenshot(shots, f'failed-{name}')
                failed.append(name)
                print(f'FAILED  {name}', flush=True)
        agent.stop()
    return 1 if failed else 0


def run_live(url, comm, timeout, shots):
    """The checks that hold for any agent that follows a process called `comm`."""
    from browser import Browser
    base = url if url.endswith('/') else f'{url}/'
    with Browser() as browser:
        visit(browser, base, '#/')
        card = check_suspect_listed(browser, comm, timeout)
        browser.screenshot(shots, 'live-overview')
        card.find_element('css selector', '.card-name').click()
        ready(browser)
        # A young suspicion may waver from one bucket to the next, and its line with it.
        browser.until(lambda: drawn(browser, 'line') == 'yes', 'a fitted line')
        check_chart(browser, limit=False)
        browser.until(lambda: browser.count('.gates tbody tr') > 0, 'gates')
        assert browser.text('.reason').strip(), 'no reason'
        browser.screenshot(shots, 'live-suspect')
        check_search(browser, base, comm)
        browser.screenshot(shots, 'live-processes')
        for fragment in ('#/alerts', '#/status'):
            visit(browser, base, fragment)
            browser.screenshot(shots, f'live-{fragment[2:]}')
        browser.resize(360, 740)
        for fragment in ('#/', '#/subjects', '#/status'):
            visit(browser, base, fragment)
            assert browser.overflow() <= 0, f'{fragment} is {browser.overflow()} px too wide'
        # A process that ends between two answers of the agent is a 404, which the browser logs.
        check_clean(browser, base, tolerated=['404'])
    print(f'ok      {url} shows {comm}')
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--case', action='append', choices=sorted(CASES), help='may be repeated; default: all')
    parser.add_argument('--screenshots', metavar='DIR')
    parser.add_argument('--url', help='of a running agent, instead of the mock')
    parser.add_argument('--expect-suspect', metavar='COMM')
    parser.add_argument('--timeout', type=float, default=60, help='seconds to wait for the suspect')
    arguments = parser.parse_args()
    if bool(arguments.url) != bool(arguments.expect_suspect):
        parser.error('--url and --expect-suspect belong together')
    missing = [name for name in ('chromium', 'chromedriver') if not shutil.which(name)]
    if importlib.util.find_spec('selenium') is None:
        missing.append('python3-selenium')
    if missing:
        print(f'skipped: not installed: {", ".join(missing)}')
        return SKIPPED
    if arguments.url:
        return run_live(arguments.url, arguments.expect_suspect, arguments.timeout, arguments.screenshots)
    return run_cases(arguments.case or list(CASES), arguments.screenshots)


if __name__ == '__main__':
    sys.exit(main())
