// A headless Chromium driven through playwright-core, and the mock agent: what page_test.mjs needs of them.
//
// HEAPFLOOR_WEB_MODULES: the folder whose node_modules holds playwright-core and axe-core (agent/web/package-lock.json).

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { createInterface } from 'node:readline';

const HERE = path.dirname(new URL(import.meta.url).pathname);
const modules = createRequire(path.join(process.env.HEAPFLOOR_WEB_MODULES ?? HERE, 'package.json'));
const WAIT_MILLISECONDS = 20000;
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/google-chrome'].find(existsSync);
const FLAGS = [
  '--headless',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
  '--no-proxy-server',
  ...(process.getuid() === 0 ? ['--no-sandbox'] : []),
];

/** What is not installed; empty where a browser can be started. */
export function missing() {
  const lacking = CHROMIUM ? [] : ['chromium'];
  try {
    modules.resolve('playwright-core');
  } catch {
    lacking.push('playwright-core (HEAPFLOOR_WEB_MODULES)');
  }
  return lacking;
}

export function assert(condition, what) {
  if (!condition) throw new Error(typeof what === 'string' ? what : JSON.stringify(what));
}

/** Waits for a true value; fails with what was waited for. */
export async function until(condition, what, milliseconds = WAIT_MILLISECONDS) {
  const deadline = Date.now() + milliseconds;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`not within ${milliseconds / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The mock agent as a process; its commands are answered when they are done. */
export class MockAgent {
  static async start(...options) {
    const agent = new MockAgent();
    agent.process = spawn('python3', [path.join(HERE, 'mock_agent.py'), ...options], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
    });
    agent.lines = createInterface({ input: agent.process.stdout })[Symbol.asyncIterator]();
    agent.url = (await agent.lines.next()).value;
    assert(agent.url?.startsWith('http'), 'the mock agent did not start');
    return agent;
  }

  async tell(command) {
    this.process.stdin.write(`${command}\n`);
    const { value } = await this.lines.next();
    assert(value === 'ok', `the mock agent answered ${value} to ${command}`);
  }

  show(scene) {
    return this.tell(`show ${scene}`);
  }

  end() {
    this.process.stdin.end();
  }
}

export async function startBrowser() {
  return modules('playwright-core').chromium.launch({ executablePath: CHROMIUM, args: FLAGS, chromiumSandbox: false });
}

/** One page with what it asked for and complained about. */
export class Tab {
  constructor(page, shots) {
    this.page = page;
    this.shots = shots;
    this.requests = [];
    this.complaints = [];
    page.on('request', (request) => this.requests.push(request.url()));
    page.on('pageerror', (error) => this.complaints.push(String(error)));
    page.on('dialog', (dialog) => this.complaints.push(`a dialog: ${dialog.message()}`));
    page.on('console', (message) => {
      // The browser asks for it when the document is there, and blames the blank page that may have come since.
      const isLateIcon =
        message.location().url.endsWith('/favicon.svg') || /favicon\.svg' from origin 'null'/.test(message.text());
      if (['error', 'warning'].includes(message.type()) && !isLateIcon) this.complaints.push(message.text());
    });
    page.setDefaultTimeout(WAIT_MILLISECONDS);
  }

  static async open(browser, shots) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: 'light' });
    return new Tab(await context.newPage(), shots);
  }

  /** Loads the address from the start, and waits until the view shows the agent's first answer. */
  async visit(base, fragment) {
    await this.page.goto('about:blank');
    await this.page.goto(base + fragment);
    await this.ready();
  }

  async ready() {
    await until(
      async () =>
        (await this.count('#freshness[data-state="live"]')) === 1 && (await this.count('main[aria-busy]')) === 0,
      'a first answer',
    );
  }

  count(selector) {
    return this.page.locator(selector).count();
  }

  /** What can be read in the element, no-break spaces as spaces; empty where there is none or it is hidden. */
  async text(selector) {
    const words = await this.page.evaluate((wanted) => {
      const node = document.querySelector(wanted);
      return node?.checkVisibility() ? node.innerText : '';
    }, selector);
    return words.replaceAll('\u00a0', ' ');
  }

  async says(words, what = words, selector = 'main') {
    await until(async () => (await this.text(selector)).includes(words), what).catch(async (error) => {
      throw new Error(`${error.message}; the page says ${JSON.stringify((await this.text(selector)).slice(0, 900))}`);
    });
  }

  /** What the chart says that it has drawn: readings, floors, line, forecast, limit, marks. */
  drawn(what) {
    return this.page.evaluate((key) => document.querySelector('.chart')?.dataset[key] ?? '', what);
  }

  /** How many pixels of the chart have about the colour of that name of the style sheet. */
  pixels(colour) {
    return this.page.evaluate((name) => {
      const chart = document.querySelector('.chart canvas');
      const hex = getComputedStyle(chart).getPropertyValue(`--${name}`).trim();
      const wanted = [1, 3, 5].map((start) => Number.parseInt(hex.slice(start, start + 2), 16));
      const copy = new OffscreenCanvas(chart.width, chart.height).getContext('2d', { willReadFrequently: true });
      copy.drawImage(chart, 0, 0);
      const { data } = copy.getImageData(0, 0, chart.width, chart.height);
      let found = 0;
      for (let at = 0; at < data.length; at += 4) {
        const isNear = wanted.every((value, channel) => Math.abs(value - data[at + channel]) < 12);
        if (isNear && data[at + 3] > 240) found += 1;
      }
      return found;
    }, colour);
  }

  async overflow() {
    const { width } = this.page.viewportSize();
    return (await this.page.evaluate(() => document.documentElement.scrollWidth)) - width;
  }

  /** What axe-core finds on the page that is open. */
  async violations() {
    await this.page.evaluate(readFileSync(modules.resolve('axe-core/axe.min.js'), 'utf8'));
    const { violations, passes } = await this.page.evaluate(() =>
      window.axe.run(document, { resultTypes: ['violations'] }),
    );
    assert(passes.length > 10, `axe looked at nothing: ${passes.length}`);
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`);
  }

  /** Presses Tab once round; fails where focus cannot be seen or does not reach. */
  async tabThrough() {
    const reachable = await this.page.evaluate(() => {
      document.activeElement?.blur();
      window.scrollTo(0, 0);
      const focusable = 'a[href], button:enabled, input:enabled, select:enabled, summary, [tabindex="0"]';
      const nodes = [...document.querySelectorAll(focusable)].filter((node) => node.checkVisibility());
      nodes.forEach((node, index) => {
        node.dataset.order = index;
      });
      return nodes.length;
    });
    const reached = new Set();
    for (let step = 0; step < reachable + 5; step += 1) {
      await this.page.keyboard.press('Tab');
      const { order, isSeen, words } = await this.page.evaluate(() => {
        const node = document.activeElement;
        const outlined = (style) => style.outlineStyle !== 'none' && Number.parseFloat(style.outlineWidth) > 0;
        const rect = node.querySelector?.('rect');
        return {
          order: node.dataset.order,
          words: node.outerHTML.slice(0, 120),
          isSeen:
            outlined(getComputedStyle(node)) ||
            outlined(getComputedStyle(node, '::after')) ||
            (rect && Number.parseFloat(getComputedStyle(rect).strokeWidth) > 2),
        };
      });
      if (order === undefined) continue;
      assert(isSeen, `focus cannot be seen on ${words}`);
      reached.add(order);
    }
    assert(reached.size === reachable, `Tab reaches ${reached.size} of ${reachable}`);
  }

  /** No dialog, no request to elsewhere, nothing in the console but lines that hold a tolerated word. */
  checkClean(base, ...tolerated) {
    const unexpected = this.complaints.filter((line) => !tolerated.some((word) => line.includes(word)));
    assert(unexpected.length === 0, unexpected.join('\n'));
    const outside = this.requests.filter((url) => !url.startsWith(base) && url !== 'about:blank');
    assert(outside.length === 0, `requests to elsewhere: ${outside.join(', ')}`);
  }

  async screenshot(name) {
    if (!this.shots) return;
    mkdirSync(this.shots, { recursive: true });
    await this.page.evaluate(() => window.scrollTo(0, 0));
    await this.page.screenshot({ path: path.join(this.shots, `${name}.png`), fullPage: true });
  }
}
