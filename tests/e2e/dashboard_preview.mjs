// dashboard_preview.mjs FILE.html…: a picture of each whole page beside it, as FILE.png. HEAPFLOOR_WEB_MODULES as of browser.mjs.

import { pathToFileURL } from 'node:url';

import { missing, startBrowser } from '../web/browser.mjs';

const WIDTH = 1400;

if (missing().length) throw new Error(`not installed: ${missing().join(', ')}`);
const browser = await startBrowser();
const context = await browser.newContext({ viewport: { width: WIDTH, height: 900 } });
for (const file of process.argv.slice(2)) {
  const page = await context.newPage();
  page.on('pageerror', (error) => {
    console.error(`${file}: ${error.stack}`);
    process.exitCode = 1;
  });
  await page.goto(String(pathToFileURL(file)));
  await page.screenshot({ path: file.replace(/html$/, 'png'), fullPage: true });
  await page.close();
}
await browser.close();
