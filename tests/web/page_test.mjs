// Tests of the web page in a real browser.
//
// Against the mock agent:     node page_test.mjs [--case NAME]... [--screenshots DIR]
// Against a running agent:    node page_test.mjs --url http://127.0.0.1:4327/ --expect-suspect COMM [--timeout 60]
//                             [--expect-function NAME]: its heap profile has a function whose name holds NAME
//
// Exits 0 when all is well, 1 with the reason when not, 77 when no browser is installed.

import { parseArgs } from 'node:util';

import { assert, MockAgent, missing, startBrowser, Tab, until } from './browser.mjs';

const SKIPPED = 77;
const PAYMENTS = '#/suspect/process:4711:1471100/rss_anon';
const INDEXER = '#/suspect/process:4822:1482200/rss_anon';
const ALL_VIEWS = ['#/', PAYMENTS, INDEXER, '#/subjects', '#/cgroups', '#/host', '#/alerts', '#/status'];
const CAUSE =
  '80 % of the growth is memory that the program holds; 15 % is stacks of threads: 48 threads, +12/h, 2.6 MiB of stack ' +
  'each; 5 % is memory that its allocator keeps free.';
const SITE = '71 % is allocated by AddUser(Session&), cache.cpp:88.';
const BUILDS = 'Since build v1.4.2, 7 h 50 min ago: +222 MB/h; build v1.4.1 before it: level (seen for 2 d 1 h).';

function nameOf(fragment) {
  if (fragment === INDEXER) return 'suspected';
  return /^#\/([a-z]*)/.exec(fragment)[1] || 'overview';
}

/** The overview names the suspect, its state and a reason. */
async function suspectListed(tab, comm, milliseconds) {
  const card = tab.page.locator('.cards .card', { hasText: comm }).first();
  await until(() => card.count(), `a card of the suspect ${comm}`, milliseconds);
  const words = await card.innerText();
  assert(/leaking|suspected|recovering/.test(words), words);
  assert((await card.locator('.card-reason').innerText()).trim() !== '', 'no reason');
  return card;
}

/** The drawing holds readings, floors and, where asked for, the fitted line and the limit: said, and seen in its pixels. */
async function checkChart(tab, { line = true, limit = true } = {}) {
  await until(async () => Number(await tab.drawn('readings')) > 1, 'readings in the chart');
  assert(Number(await tab.drawn('floors')) >= 5, 'too few floors in the chart');
  if (line) assert((await tab.drawn('line')) === 'yes', 'no fitted line');
  if (limit) assert((await tab.drawn('limit')) === 'yes', 'no limit');
  const colours = ['reading', 'floor', ...(line ? ['fit'] : []), ...(limit ? ['limit'] : [])];
  for (const colour of colours) await until(() => tab.pixels(colour), `something in the colour ${colour}`);
  const summary = await tab.page.getAttribute('.chart', 'aria-label');
  assert(summary.includes('floors'), summary);
}

async function checkSearch(tab, base, comm) {
  await tab.visit(base, '#/subjects');
  await until(() => tab.count('.subjects tbody tr'), 'rows');
  await tab.page.fill('#search', comm);
  await until(async () => {
    const rows = await tab.page.locator('.subjects tbody tr').allInnerTexts();
    return rows.length > 0 && rows.every((row) => row.toLowerCase().includes(comm.toLowerCase()));
  }, `only rows with ${comm}`);
}

async function rowWith(tab, words) {
  const row = tab.page.locator('tbody tr', { hasText: words }).first();
  return (await row.count()) > 0 ? (await row.innerText()).replaceAll('\u00a0', ' ') : '';
}

const CASES = {
  async suspect(tab, agent) {
    await tab.visit(agent.url, '#/');
    const card = await suspectListed(tab, 'payments');
    // One card a program, though three signals tell of the first one's leak.
    assert((await tab.count('.cards .card')) === 3, 'not one card a program');
    await tab.says(
      `${CAUSE} 90 % of the growth is in user_cache, phase grow. ${SITE} ${BUILDS} Its threads grow too: 12 an hour.`,
    );
    await tab.says('payments is leaking', undefined, '.headline');
    await tab.says('4 h 40 min \u2013 6 h 30 min', undefined, '.headline');
    await tab.screenshot('overview');
    await card.locator('.card-name').click();
    await tab.ready();
    await checkChart(tab);
    assert((await tab.drawn('forecast')) === 'yes', 'no forecast');
    assert((await tab.drawn('marks')) === '5', 'not every change of state and build is marked');
    assert((await tab.count('.gates tr[data-outcome="passed"]')) === 11, 'gates');
    await tab.says('212 MiB/h');
    await tab.says('in 5 h 1', undefined, '.figures-wide');
    await tab.says(`${CAUSE} ${BUILDS} It gains threads`, 'the explanation', '.reason');
    await tab.says('build v1.4.1', 'former lives', '[aria-labelledby=lives-title]');
    await tab.says('v1.4.2, 3f2a90c1d4e50000', 'the build', '.facts');
    await tab.says('threads', 'what else is watched', '[aria-labelledby=others-title]');
    await tab.says('memory that the program holds', 'causes', '.causes');
    await tab.says('cache.cpp:88', 'the site that grows', '.sites');
    const links = await tab.page.$$eval('.captures a', (nodes) => nodes.map((node) => node.href));
    assert(links.length === 7, links);
    assert(
      links.some((link) => link.endsWith('/20261129T061905Z-4711-leaking.tar.gz')),
      links,
    );
    assert(
      links.some((link) => link.endsWith('/api/v1/evidence/20261129T061905Z-4711-leaking/heap.pb.gz')),
      links,
    );
    const floors = Number(await tab.drawn('floors'));
    await tab.page.click('.segments button'); // 1 h
    await until(async () => Number(await tab.drawn('floors')) <= floors / 4, 'the chart of one hour');
    await tab.page.click('.check input');
    await until(async () => (await tab.drawn('forecast')) === 'no', 'the chart without its forecast');
    await tab.visit(agent.url, INDEXER);
    await checkChart(tab);
    await tab.says('no upper bound', undefined, '.figures-wide');
    await tab.says('watched for 7 h 50 min, needs 30 h', undefined, '.gates tr[data-outcome="failed"]');
    tab.checkClean(agent.url);
  },

  async profile(tab, agent) {
    await tab.visit(agent.url, PAYMENTS);
    await until(() => tab.count('.flame g.frame'), 'the flame graph');
    await tab.says('2.3 GiB in use', 'its size', '[aria-labelledby=profile-title]');
    await tab.says('+1.7 GiB since then', 'the growth', '[aria-labelledby=profile-title]');
    const labels = () =>
      tab.page.$$eval('.flame g.frame', (nodes) =>
        nodes.map((node) => node.getAttribute('aria-label').replaceAll('\u00a0', ' ')),
      );
    const user = (await labels()).find((label) => label.startsWith('AddUser(Session&)'));
    assert(user.includes('+1.76 GiB') && user.includes('in user_cache') && user.includes('phase grow'), user);
    assert(!(await labels()).some((label) => label.startsWith('operator new')), 'frames of the allocator');
    assert((await tab.count('.flame g.flame-grew-4')) > 0, 'nothing is in the colour of growth');
    assert((await tab.count('.flame g.flame-shrank-4')) === 1, 'what is gone is not seen');
    await tab.says('+1.41 GiB', 'the growth of a function', '.functions');
    assert((await tab.text('.functions tbody tr')).startsWith('std::_Hashtable<\u2026>::_M_insert'), 'the order');
    await tab.screenshot('profile-difference');
    await tab.page.selectOption('#profile-base', '');
    await until(() => tab.count('.flame g.flame-1'), 'the colours of structures');
    await tab.says('user_cache', 'a legend', '.flame .legend');
    await tab.page.selectOption('#profile-colours', 'phases');
    await tab.says('serve', 'a legend of phases', '.flame .legend');
    await tab.page.fill('#profile-search', 'ADDUSER');
    await until(async () => (await tab.count('.flame g.flame-hit')) === 1, 'the function that is searched');
    await tab.says('1 frame, 88 % of the bytes', 'what was found', '.flame');
    await tab.screenshot('profile');
    // From frame to frame: down to the callee, across, back to the root; Enter zooms, Escape shows all.
    const focused = () => tab.page.evaluate(() => document.activeElement.getAttribute('aria-label') ?? '');
    await tab.page.focus('.flame g.frame[tabindex="0"]');
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowDown']) await tab.page.keyboard.press(key);
    assert((await focused()).startsWith('AddUser'), await focused());
    await tab.page.keyboard.press('ArrowRight');
    assert((await focused()).startsWith('render'), await focused());
    await tab.page.keyboard.press('Enter');
    await until(async () => !(await labels()).some((label) => label.startsWith('AddUser')), 'the zoom');
    assert((await focused()).startsWith('render'), 'zooming lost the focus');
    await tab.page.keyboard.press('Escape');
    await until(async () => (await labels()).some((label) => label.startsWith('AddUser')), 'everything again');
    await tab.page.keyboard.press('Home');
    assert((await focused()).startsWith('all'), await focused());
    assert((await tab.count('main img, main script')) === 0, 'a name became markup');
    await tab.visit(agent.url, INDEXER);
    await tab.says('start a program with heapfloor run --', 'how to get one');
    await tab.page.click('button:text("Read it")');
    await tab.says('no probe in this process', 'why there is none');
    tab.checkClean(agent.url, '404');
  },

  async silence(tab, agent) {
    await tab.visit(agent.url, PAYMENTS);
    await tab.page.fill('#silence-comment', 'known <b>bug</b>');
    await tab.page.selectOption('#silence-length', 'next_build');
    await tab.page.click('button:text-is("Silence")');
    const panel = '[aria-labelledby=silence-title]';
    await tab.says('group shop', 'the silence', panel);
    await tab.says('until the next build', 'its end', panel);
    await tab.says('known <b>bug</b>', 'its reason', panel);
    await tab.screenshot('silenced');
    await tab.visit(agent.url, '#/alerts');
    await tab.says('group shop', 'the silence among the alerts');
    await tab.page.click('button:text("End it")');
    await until(async () => !(await tab.text('main')).includes('group shop'), 'the end of the silence');
    tab.checkClean(agent.url);
  },

  async subjects(tab, agent) {
    await agent.show('many');
    await tab.visit(agent.url, '#/subjects');
    await tab.says('of 5,004', 'the total', '.pager');
    assert((await tab.text('.subjects thead th')).startsWith('Subject'), 'the first column');
    assert((await tab.count('*')) < 2500, `${await tab.count('*')} elements for 5,004 subjects`);
    await tab.page.click('.pager button:last-child');
    await tab.says('51 \u2013 100', 'the second page', '.pager');
    await tab.page.click('th[data-key="name"] button');
    await until(() => tab.count('th[data-key="name"][aria-sort="ascending"]'), 'sorting by name');
    await tab.says('1 \u2013 50', 'the first page again', '.pager');
    await checkSearch(tab, agent.url, 'search-indexer');
    assert((await tab.count('.subjects tbody tr')) === 1, 'more than the one that was searched');
    await tab.says('560 MiB', 'its floor', 'td.col-floor');
    await tab.page.fill('#search', 'no such subject');
    await tab.says('matches \u201cno such subject\u201d', 'an empty answer in words');
    await tab.visit(agent.url, '#/subjects?state=suspected');
    await until(async () => (await tab.count('.subjects tbody tr')) === 2, 'only what is suspected');
    await tab.visit(agent.url, '#/subjects?scope=allocator');
    await tab.says('heapfloor run -- PROGRAM', 'how to get one');
    await tab.visit(agent.url, '#/subject/process:142:1014200/rss_anon');
    await checkChart(tab, { line: false, limit: false });
    tab.checkClean(agent.url);
  },

  async servers(tab, agent) {
    await agent.show('quiet');
    await tab.visit(agent.url, '#/subjects?scope=external');
    await tab.says('external.targets', 'how to follow other servers');
    await agent.show('servers');
    await until(async () => (await tab.count('.subjects tbody tr')) === 2, 'the series of other servers');
    await tab.says('shop{pod="<b>pay</b>"}');
    await tab.page.fill('#search', 'cart');
    await until(async () => (await tab.count('.subjects tbody tr')) === 1, 'the one that was searched');
    await tab.page.click('.subjects tbody a');
    await checkChart(tab, { line: false, limit: false });
    await tab.visit(agent.url, '#/status');
    await until(async () => (await tab.count('.servers tbody tr')) === 2, 'the servers');
    await until(async () => (await tab.count('.programs tbody tr')) === 2, 'the Go programs that are asked');
    await tab.says('Connection timed out <b>after</b> 10 s');
    await tab.says('12 series were left out');
    await tab.says('collection.interval\t2s\t15s', 'what differs from the defaults', '.configuration tbody');
    await tab.says('groups: 2 entries', 'the lists', '[aria-labelledby=configuration-title]');
    await tab.screenshot('servers');
    await agent.show('leaking servers');
    await tab.visit(agent.url, '#/');
    await tab.says('2 series are leaking', 'what leaks, by what it is', '.headline');
    tab.checkClean(agent.url);
  },

  async cgroups(tab, agent) {
    await tab.visit(agent.url, '#/cgroups');
    await until(async () => (await tab.count('.cgroups tbody tr')) === 18, 'rows');
    await until(
      async () => (await rowWith(tab, 'payments.service')).includes('23 %'),
      'the share of time in which it stalls',
    );
    const payments = await rowWith(tab, 'payments.service');
    for (const words of ['leaking', '78 %', 'of 4 GiB, its own']) assert(payments.includes(words), payments);
    assert((await tab.text('.cgroups tbody tr .col-kills')) === '2', 'OOM kills');
    const db = await rowWith(tab, 'db.service');
    assert(db.includes('this host') && db.includes('suspected'), db);
    assert((await rowWith(tab, 'cccccc')).includes('limit of /kubepods.slice/pod_1'), 'the limit above');
    const bare = await rowWith(tab, 'without-pressure');
    assert(!bare.includes('0 %') && bare.split('\u2013').length > 3, `what is not known is shown as a number: ${bare}`);
    await tab.page.click('th[data-key="unreclaimable"] button');
    await until(() => tab.count('th[data-key="unreclaimable"][aria-sort="descending"]'), 'sorting');
    await tab.page.fill('#search', 'db.service');
    await until(async () => (await tab.count('.cgroups tbody tr')) === 1, 'the one that is searched');
    await tab.page.fill('#search', 'no such path');
    await tab.says('No cgroup matches \u201cno such path\u201d', 'an empty answer in words');
    await agent.show('quiet');
    await tab.visit(agent.url, '#/cgroups');
    await tab.says('The agent has read no cgroup');
    tab.checkClean(agent.url);
  },

  async host(tab, agent) {
    await tab.visit(agent.url, '#/host');
    await tab.says('anonymous memory of programs');
    assert((await rowWith(tab, 'page cache of files')).includes('4.2 GiB'), 'the page cache');
    await until(async () => /8\s%/.test(await tab.text('.figures-wide')), 'the share of time in which tasks wait');
    await tab.says('256 MiB', 'swap', '.figures-wide');
    await tab.says('Killed for want of memory: 9 processes');
    await agent.show('empty');
    await tab.visit(agent.url, '#/host');
    await tab.says('--collector.host', 'what to do');
    tab.checkClean(agent.url);
  },

  async victims(tab, agent) {
    await tab.visit(agent.url, '#/');
    await tab.says('Killed for want of memory: 8 processes within 24 h', 'the victims', '.victims');
    await tab.says('held 3.2 GiB', undefined, '.victims');
    assert((await tab.count('.victims-list li')) === 5, 'more than the newest');
    assert((await tab.page.locator('.victims').boundingBox()).y < 400, 'the victims are far down');
    await tab.page.click('.victims-more a');
    await until(async () => (await tab.count('.victims-list li')) === 9, 'all of them');
    await tab.page.click('.victims-list a');
    await tab.ready();
    await checkChart(tab);
    assert(/2\.9 GiB, read \d.* ago/.test(await tab.text('.facts')), await tab.text('.facts'));
    await tab.says('ended by a reboot');
    await tab.visit(agent.url, INDEXER);
    await tab.says('not read', 'memory that was not sampled, in words', '.facts');
    await agent.show('ailing');
    await tab.visit(agent.url, '#/');
    await tab.says('2 processes killed', 'what counters tell', '.victims');
    await tab.says('kernel\u2019s log', undefined, '.victims');
    assert(!(await tab.text('.victims')).includes('batch.service'), 'a kill of an unknown time among the latest');
    await tab.visit(agent.url, '#/cgroups');
    await tab.says('batch.service', 'the kills of an unknown time', '.victims-list li:last-child');
    assert(!(await tab.text('.victims-list li:last-child')).includes('ago'), 'an age that nobody knows');
    await agent.show('quiet');
    await tab.visit(agent.url, '#/');
    assert((await tab.text('.victims')) === '', 'a panel without victims');
    tab.checkClean(agent.url);
  },

  async hostile_names(tab, agent) {
    await tab.visit(agent.url, '#/subjects?sort=pid&order=asc');
    await until(async () => (await tab.count('.subjects tbody tr')) === 50, 'rows');
    const text = await tab.page.textContent('main');
    for (const verbatim of [
      '<img src=x onerror=alert(1)>',
      '"><script>alert(1)</script>',
      '{{7*7}}{{x}}',
      '../../etc/passwd',
    ]) {
      assert(text.includes(verbatim), `${verbatim} is not shown as written`);
    }
    for (const spelled of [
      'inv\\u{202e}gpj.exe',
      'two\\nlines\\ttab',
      '\\e[31mred',
      'zero\\u{200b}width',
      '(no name)',
    ]) {
      assert(text.includes(spelled), `${spelled} is missing`);
    }
    assert(!/[\u202e\u2066\u2067\u200b\ufeff\n\t]/.test(text), 'a character that acts reached the page');
    for (const fragment of [
      '#/subject/%3Cimg%20src=x%20onerror=alert(1)%3E',
      '#/nowhere/<script>alert(1)</script>',
      '#/subject/%',
      '#/constructor',
    ]) {
      await tab.visit(agent.url, fragment);
      assert((await tab.count('main img, main script, main iframe')) === 0, `${fragment} became markup`);
    }
    await tab.visit(agent.url, '#/subject/process:114:1011400/rss_anon');
    await until(async () => (await tab.page.title()).includes('gpj'), 'the name in the title');
    assert(!(await tab.page.title()).includes('\u202e'), 'the title turns');
    await tab.visit(agent.url, '#/cgroups');
    await tab.says('inv\\u{202e}gpj.exe');
    tab.checkClean(agent.url, '404');
  },

  async keyboard(tab, agent) {
    for (const fragment of ALL_VIEWS) {
      await tab.visit(agent.url, fragment);
      await until(() => tab.count('main table tbody tr, main .card'), `content of ${fragment}`);
      if (fragment === PAYMENTS) await until(() => tab.count('.flame g.frame[tabindex="0"]'), 'the flame graph');
      await tab.tabThrough();
      assert((await tab.count('h1')) === 1, `${fragment} has not one heading`);
    }
    await tab.visit(agent.url, PAYMENTS);
    await checkChart(tab);
    await tab.page.focus('.u-over');
    const value = () => tab.page.getAttribute('.u-over', 'aria-valuetext');
    await tab.page.keyboard.press('Home');
    const first = await value();
    await tab.page.keyboard.press('ArrowRight');
    await tab.page.keyboard.press('ArrowRight');
    assert((await value()) !== first && (await value()).includes('floor'), await value());
    assert((await tab.page.locator('.u-cursor-x').boundingBox()).height > 50, 'no cursor');
    await tab.visit(agent.url, '#/subjects');
    await until(() => tab.count('.subjects tbody tr'), 'rows');
    await tab.page.focus('th[data-key=floor] button');
    await tab.page.keyboard.press('Enter');
    await until(() => tab.count('th[data-key="floor"][aria-sort="descending"]'), 'sorting by floor');
    const place = await tab.page.evaluate(() => document.activeElement.closest('th')?.dataset.key);
    assert(place === 'floor', 'sorting lost the focus');
    tab.checkClean(agent.url);
  },

  async accessible(tab, agent) {
    const scenes = [
      ['leaks', ALL_VIEWS],
      ['quiet', ['#/', '#/subjects?scope=jvm']],
      ['ailing', ['#/status', '#/']],
      ['empty', ['#/', '#/host', '#/cgroups', '#/alerts']],
    ];
    for (const scheme of ['light', 'dark']) {
      await tab.page.emulateMedia({ colorScheme: scheme });
      for (const [scene, fragments] of scenes) {
        await agent.show(scene);
        for (const fragment of fragments) {
          await tab.visit(agent.url, fragment);
          if (fragment === PAYMENTS) await until(() => tab.count('.flame g.frame'), 'the flame graph');
          await tab.screenshot(`${scheme}-${scene}-${nameOf(fragment)}`);
          const found = await tab.violations();
          assert(found.length === 0, `${scheme} ${scene} ${fragment}:\n${found.join('\n')}`);
        }
      }
    }
    tab.checkClean(agent.url);
  },

  async phone(tab, agent) {
    await tab.page.setViewportSize({ width: 360, height: 740 });
    for (const [scene, fragments] of [
      ['leaks', ALL_VIEWS],
      ['ailing', ['#/status', '#/']],
      ['learning', ['#/']],
    ]) {
      await agent.show(scene);
      for (const fragment of fragments) {
        await tab.visit(agent.url, fragment);
        if (fragment === PAYMENTS && scene === 'leaks')
          await until(() => tab.count('.flame g.frame'), 'the flame graph');
        await tab.screenshot(`phone-${scene}-${nameOf(fragment)}`);
        assert((await tab.overflow()) <= 0, `${fragment} is ${await tab.overflow()} px too wide`);
        const found = await tab.violations();
        assert(found.length === 0, `${scene} ${fragment}:\n${found.join('\n')}`);
      }
    }
    tab.checkClean(agent.url);
  },

  async recovery(tab, agent) {
    await tab.visit(agent.url, '#/');
    await suspectListed(tab, 'payments');
    await agent.tell('stop');
    await tab.says('Agent not reachable since', 'a notice that the agent is away', '#connection');
    await tab.says('payments', 'the last values', '.cards');
    assert((await tab.count('#freshness[data-state="lost"]')) === 1, 'the data look fresh');
    await tab.screenshot('unreachable');
    await agent.tell('start');
    await until(async () => (await tab.text('#connection')) === '', 'recovery');
    await until(() => tab.count('#freshness[data-state="live"]'), 'fresh data');
    await suspectListed(tab, 'payments');
    tab.checkClean(agent.url, 'ERR_CONNECTION_REFUSED', 'ERR_CONNECTION_RESET', 'ERR_EMPTY_RESPONSE');
  },

  async empty_states(tab, agent) {
    await tab.visit(agent.url, '#/');
    await suspectListed(tab, 'payments');
    await agent.show('quiet'); // the open page follows without being loaded again
    await tab.says('Nothing is leaking', 'the change of scene', '.headline');
    assert((await tab.count('.cards .card')) === 0, 'cards without suspects');
    await agent.show('learning');
    await tab.says(
      'No suspects. 12 processes are watched (above 16 MiB); the first verdict needs about 9 min',
      'what is awaited',
    );
    await tab.says('12 watched', undefined, '.host');
    await tab.visit(agent.url, '#/subject/process:128:1012800/rss_anon');
    await tab.says('Learning: the first verdict needs about 9 min at this interval.', undefined, '.reason');
    await agent.show('empty');
    await tab.visit(agent.url, '#/');
    await tab.says('none is watched', 'nothing watched', '.headline');
    await tab.visit(agent.url, '#/alerts');
    await tab.says('No alert is pending or firing');
    await agent.show('ailing');
    await tab.visit(agent.url, '#/');
    await tab.says('Collector self fails');
    await tab.visit(agent.url, '#/status');
    await tab.says('14 refused: no permission', 'what could not be read', '.collectors');
    await tab.says('CAP_SYS_PTRACE', 'what would open it', '[aria-labelledby=privileges-title]');
    await tab.visit(agent.url, '#/subject/cgroup:/system.slice/db.service/rss_anon');
    await tab.says('Stable', 'a subject with slashes', '.reason');
    await agent.show('leaks');
    await tab.visit(agent.url, '#/subject/process:205:1020500/rss_anon');
    await tab.says('Too small to be watched', undefined, '.reason');
    await tab.says('swap pass 16 MiB;', undefined, '.chart-empty');
    tab.checkClean(agent.url);
  },

  /** From an alert one click leads to the chart, the flame graph, the profile's file and the runbook. */
  async links(tab, agent) {
    const follow = async (words) => {
      await tab.visit(agent.url, '#/alerts');
      await tab.page.locator('.alert', { hasText: 'payments' }).getByRole('link', { name: words }).click();
    };
    await follow('Chart and reason');
    await tab.ready();
    await checkChart(tab);
    await tab.page.getByRole('link', { name: 'runbook' }).click();
    await until(() => tab.count('.runbook'), 'the runbook of a suspect');
    await follow('Flame graph');
    await until(() => tab.count('.flame g.frame'), 'the flame graph');
    const isInSight = () =>
      tab.page.$eval('#profile-title', (node) => node.getBoundingClientRect().top < window.innerHeight);
    await until(isInSight, 'the flame graph in sight');
    await tab.visit(agent.url, '#/alerts');
    const file = tab.page.locator('.alert').getByRole('link', { name: 'Heap profile' });
    const address = new URL(await file.getAttribute('href'), agent.url);
    const answer = await tab.page.request.get(address.href);
    assert(answer.ok() && (await answer.body()).length > 100, 'the profile');
    await follow('Runbook');
    await until(() => tab.count('.runbook h1'), 'the runbook');
    for (const scheme of ['light', 'dark']) {
      await tab.page.emulateMedia({ colorScheme: scheme });
      const found = await tab.violations();
      assert(found.length === 0, `the runbook, ${scheme}:\n${found.join('\n')}`);
      await tab.screenshot(`runbook-${scheme}`);
    }
    await tab.page.setViewportSize({ width: 360, height: 740 });
    assert((await tab.overflow()) <= 0, `the runbook is ${await tab.overflow()} px too wide`);
    await tab.screenshot('runbook-phone');
    await tab.page.getByRole('link', { name: 'Runbooks' }).click();
    await tab.page.getByRole('link', { name: 'HeapfloorOomKill', exact: true }).click();
    assert((await tab.text('h1')) === 'HeapfloorOomKill', 'the list of runbooks');
    tab.checkClean(agent.url);
  },

  /** Updates move nothing: the layout shift after the first answer stays near 0. */
  async stillness(tab, agent) {
    for (const fragment of ['#/', PAYMENTS, '#/subjects', '#/cgroups', '#/host']) {
      await tab.visit(agent.url, fragment);
      await until(() => tab.count('.card, .chart[data-readings], .subjects tbody tr, .components tr'), 'content');
      if (fragment === PAYMENTS) await until(() => tab.count('.flame g.frame'), 'the flame graph');
      await tab.page.evaluate(() => {
        window.shift = 0;
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) window.shift += entry.value;
        }).observe({ type: 'layout-shift' });
      });
      const asked = () => tab.requests.filter((url) => url.endsWith('/status')).length;
      const before = asked();
      await until(() => asked() >= before + 3, 'three updates');
      const shift = await tab.page.evaluate(() => window.shift);
      assert(shift < 0.01, `${fragment}: layout shift ${shift}`);
    }
  },

  /** The content policy refuses what it should, and the page lives with it behind any prefix. */
  async prefix(tab) {
    const agent = await MockAgent.start('--prefix', '/behind/a/proxy/');
    try {
      const response = await tab.page.goto(agent.url);
      checkPolicy(response);
      await tab.ready();
      await tab.visit(agent.url, '#/');
      await (await suspectListed(tab, 'payments')).locator('.card-name').click();
      await checkChart(tab);
      await until(() => tab.count('.flame g.frame'), 'the flame graph');
      tab.checkClean(agent.url);
      await tab.page.evaluate(() => {
        const script = document.createElement('script');
        script.textContent = 'window.ran = true';
        document.body.append(script);
      });
      assert((await tab.page.evaluate(() => window.ran)) === undefined, 'an inline script ran');
    } finally {
      agent.end();
    }
  },
};

function checkPolicy(response) {
  const policy = response.headers()['content-security-policy'] ?? '';
  assert(policy.includes("default-src 'none'") && policy.includes("script-src 'self'"), policy);
  assert(!policy.includes('unsafe') && !policy.includes('http'), policy);
}

async function runCases(names, shots) {
  let failed = 0;
  const browser = await startBrowser();
  for (const name of names) {
    const agent = await MockAgent.start();
    const tab = await Tab.open(browser, shots);
    try {
      await CASES[name](tab, agent);
      console.log(`ok      ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`FAILED  ${name}\n${error.stack}`);
      await tab.screenshot(`failed-${name}`);
    }
    await tab.page.context().close();
    agent.end();
  }
  await browser.close();
  return failed === 0 ? 0 : 1;
}

/** What holds for any agent that follows a process called `comm`. */
async function runLive(base, comm, functionName, milliseconds, shots) {
  const browser = await startBrowser();
  try {
    const tab = await Tab.open(browser, shots);
    checkPolicy(await tab.page.goto(base));
    await tab.ready();
    const card = await suspectListed(tab, comm, milliseconds);
    await tab.screenshot('live-overview');
    await card.locator('.card-name').click();
    await tab.ready();
    // A young suspicion may waver from one bucket to the next, and its line with it.
    await until(async () => (await tab.drawn('line')) === 'yes', 'a fitted line');
    await checkChart(tab, { limit: false });
    await until(() => tab.count('.gates tbody tr'), 'gates');
    assert((await tab.text('.reason')).trim() !== '', 'no reason');
    if (functionName) {
      await until(() => tab.count('.flame g.frame'), 'the flame graph', milliseconds);
      const isThere = () => tab.count(`.flame g.frame[aria-label*="${functionName}"]`);
      await until(isThere, `a frame of ${functionName}`);
    }
    await tab.screenshot('live-suspect');
    await checkSearch(tab, base, comm);
    for (const fragment of ['#/subjects', '#/cgroups', '#/host', '#/alerts', '#/status']) {
      await tab.visit(base, fragment);
      await tab.screenshot(`live-${nameOf(fragment)}`);
      const found = await tab.violations();
      assert(found.length === 0, `${fragment}:\n${found.join('\n')}`);
    }
    await tab.page.setViewportSize({ width: 360, height: 740 });
    for (const fragment of ['#/', '#/subjects', '#/host', '#/status']) {
      await tab.visit(base, fragment);
      assert((await tab.overflow()) <= 0, `${fragment} is ${await tab.overflow()} px too wide`);
    }
    // A process that ends between two answers of the agent is a 404, which the browser logs.
    tab.checkClean(base, '404');
    console.log(`ok      ${base} shows ${comm}`);
  } finally {
    await browser.close();
  }
}

async function main() {
  const { values } = parseArgs({
    options: {
      case: { type: 'string', multiple: true, default: Object.keys(CASES) },
      screenshots: { type: 'string' },
      url: { type: 'string' },
      'expect-suspect': { type: 'string' },
      'expect-function': { type: 'string' },
      timeout: { type: 'string', default: '60' },
    },
  });
  const lacking = missing();
  if (lacking.length > 0) {
    console.log(`skipped: not installed: ${lacking.join(', ')}`);
    return SKIPPED;
  }
  if (values.url === undefined) return runCases(values.case, values.screenshots);
  const base = values.url.endsWith('/') ? values.url : `${values.url}/`;
  await runLive(
    base,
    values['expect-suspect'],
    values['expect-function'],
    Number(values.timeout) * 1000,
    values.screenshots,
  );
  return 0;
}

process.exitCode = await main();
