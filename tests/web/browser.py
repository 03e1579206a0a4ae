"""A headless Chromium driven through Selenium: what page_test.py needs of it and no more.

Debian packages: chromium, chromium-driver, python3-selenium.
"""

import base64
import os
import pathlib
import shutil
import tempfile
import time

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

WAIT_SECONDS = 20
FLAGS = ['--headless=new', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
         '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage', '--no-proxy-server']

FOCUSABLE = 'a[href], button:enabled, input:enabled, select:enabled, summary, [tabindex="0"]'

# The contrast of every visible text against the first opaque ground behind it, as WCAG 2.2 computes it.
CONTRAST_SCRIPT = r'''
const channel = (value) => { const c = value / 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const parse = (text) => { const n = text.match(/[\d.]+/g).map(Number); return [n[0], n[1], n[2], n.length > 3 ? n[3] : 1]; };
const ground = (node) => {
  for (let at = node; at; at = at.parentElement) {
    const colour = parse(getComputedStyle(at).backgroundColor);
    if (colour[3] === 1) return colour;
  }
  return parse(getComputedStyle(document.body).backgroundColor);
};
const poor = [];
let looked = 0;
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const node = walker.currentNode.parentElement;
  if (walker.currentNode.data.trim() === '' || !node.checkVisibility() || node.closest('.visually-hidden, :disabled, noscript')) continue;
  const style = getComputedStyle(node);
  const inDrawing = node instanceof SVGElement;
  const ink = parse(inDrawing ? style.fill : style.color);
  const [a, b] = [luminance(ink), luminance(ground(node))].sort((x, y) => y - x);
  const ratio = (a + 0.05) / (b + 0.05);
  ++looked;
  if (ratio < 4.5) poor.push(`${ratio.toFixed(2)} ${node.getAttribute('class') ?? node.tagName}: ${walker.currentNode.data}`);
}
return [looked, poor];
'''


class Browser:
    """One browser with a profile of its own; a context manager."""

    def __init__(self, width=1280, height=900, dark=False):
        os.environ['NO_PROXY'] = '127.0.0.1,localhost'
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which('chromium') or shutil.which('google-chrome')
        self.profile = tempfile.mkdtemp(prefix='heapfloor-page-')
        for flag in [*FLAGS, f'--user-data-dir={self.profile}', *(['--no-sandbox'] if os.geteuid() == 0 else [])]:
            options.add_argument(flag)
        options.set_capability('goog:loggingPrefs', {'browser': 'ALL'})
        options.unhandled_prompt_behavior = 'ignore'
        self.driver = webdriver.Chrome(service=Service(shutil.which('chromedriver')), options=options)
        self.resize(width, height)
        self.colours(dark)
        self.logged = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.driver.quit()
        shutil.rmtree(self.profile, ignore_errors=True)

    def resize(self, width, height):
        self.width = width
        self.driver.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', {
            'width': width, 'height': height, 'deviceScaleFactor': 1, 'mobile': False})

    def colours(self, dark):
        self.driver.execute_cdp_cmd('Emulation.setEmulatedMedia', {
            'features': [{'name': 'prefers-color-scheme', 'value': 'dark' if dark else 'light'}]})

    def open(self, url):
        """Loads the address from the start, even where only its fragment differs from the current one."""
        self.driver.get('about:blank')
        self.driver.get(url)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def count(self, selector):
        return self.run('return document.querySelectorAll(arguments[0]).length', selector)

    def text(self, selector):
        """What stands in the element, no-break spaces as spaces; empty where there is none or it is hidden."""
        return self.run('const node = document.querySelector(arguments[0]);'
                        'return node && node.checkVisibility() ? node.innerText : ""', selector).replace('\u00a0', ' ')

    def press(self, *keys):
        webdriver.ActionChains(self.driver).send_keys(*keys).perform()

    def until(self, condition, what, seconds=WAIT_SECONDS):
        """Waits for a condition; fails with what was waited for."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                result = condition()
            except StaleElementReferenceException:
                result = None  # the page drew that element anew while it was being looked at
            if result:
                return result
            if time.monotonic() > deadline:
                raise AssertionError(f'not within {seconds} s: {what}; the page says: {self.text("main")[:600]!r}')
            time.sleep(0.05)

    def problems(self):
        """Console errors, warnings and violations of the content policy so far, each once."""
        self.logged += [entry['message'] for entry in self.driver.get_log('browser')
                        if entry['level'] in ('SEVERE', 'WARNING')]
        return self.logged

    def has_dialog(self):
        try:
            self.driver.switch_to.alert
        except Exception:  # Selenium's exception differs by version; any means that no dialog is open
            return False
        return True

    def outside_requests(self, base):
        names = self.run('return performance.getEntriesByType("resource").map((entry) => entry.name)')
        return [name for name in names if not name.startswith(base)]

    def overflow(self):
        return self.run('return document.documentElement.scrollWidth') - self.width

    def poor_contrast(self):
        looked, poor = self.run(CONTRAST_SCRIPT)
        assert looked > 10, f'only {looked} texts on the page'
        return poor

    def tab_through(self):
        """Presses Tab once round; returns (reached, reachable) and fails where focus cannot be seen."""
        self.run('document.activeElement.blur(); window.scrollTo(0, 0);'
                 'document.querySelectorAll(arguments[0]).forEach((node, index) => { node.dataset.order = index; })', FOCUSABLE)
        reachable = self.run('return [...document.querySelectorAll("[data-order]")].filter((n) => n.checkVisibility())'
                             '.map((n) => n.dataset.order)')
        reached = []
        for _ in range(len(reachable) + 5):
            self.press(Keys.TAB)
            order, seen, words = self.run('''
              const node = document.activeElement;
              const outlined = (style) => style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
              return [node.dataset.order ?? null, outlined(getComputedStyle(node)) || outlined(getComputedStyle(node, '::after')),
                      node.outerHTML.slice(0, 120)];''')
            if order is None or order in reached:
                continue
            assert seen, f'focus cannot be seen on {words}'
            reached.append(order)
        return reached, reachable

    def screenshot(self, directory, name):
        if directory is None:
            return
        path = pathlib.Path(directory)
        path.mkdir(parents=True, exist_ok=True)
        height = self.run('return document.documentElement.scrollHeight')
        image = self.driver.execute_cdp_cmd('Page.captureScreenshot', {'captureBeyondViewport': True, 'clip': {
            'x': 0, 'y': 0, 'width': self.width, 'height': min(height, 4000), 'scale': 1}})
        (path / f'{name}.png').write_bytes(base64.b64decode(image['data']))
