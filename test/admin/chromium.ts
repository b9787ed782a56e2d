/** What the tests of the page share: a browser, clients with traffic, and a page that is watched for trouble. */
import { existsSync } from 'node:fs';
import { createHttpClient, type HttpClient, type HttpClientConfig } from 'pillion';
import { type AdminOptions, createAdmin } from 'pillion/admin';
import { createMockTransport, type Script } from 'pillion/testing';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { silent } from '../support/client.js';

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
if (executablePath === undefined) {
  const advice = 'There is no Chromium; install it (Debian: apt-get install chromium).';
  if (process.env.CI) throw new Error(advice);
  console.warn(`The tests of the admin page are skipped. ${advice}`);
}

export const noBrowser = executablePath === undefined;
export const fine: Script = [{ reply: { data: {}, delay: 4 } }];

/** Calls for one client every 20 ms, as long as the test runs. */
export function busy(name: string, script: Script, config: HttpClientConfig = {}): HttpClient {
  const transport = createMockTransport(script);
  const client = createHttpClient({ name, baseURL: `https://${name}.test`, ...config }, { transport, logger: silent });
  const timer = setInterval(() => client.get('/').catch(() => {}), 20);
  onTestFinished(() => {
    clearInterval(timer);
    return client.close({ grace: 0 });
  });
  return client;
}

/** Its circuit opens at once. */
export const failing = (name = 'billing') =>
  busy(name, [{ reply: 503 }], { retry: false, circuitBreaker: { volumeThreshold: 2 } });

/** To be called where tests are described: one browser for all of them. */
export function opening() {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: executablePath as string, args: ['--no-sandbox'] });
  }, 60_000);
  afterAll(() => browser?.close());

  /** A page without an admin handler yet. */
  const blank = async (options: BrowserContextOptions = {}) => {
    const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
    onTestFinished(() => context.close());
    const page = await context.newPage();
    const troubles: string[] = [];
    page.on('console', (message) => troubles.push(message.text()));
    page.on('pageerror', (error) => troubles.push(String(error)));
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    return { page, troubles, asked };
  };
  const open = async (clients: HttpClient[], options: AdminOptions = {}, context: BrowserContextOptions = {}) => {
    const admin = createAdmin(clients, options);
    onTestFinished(() => admin.close());
    const { url, port } = await admin.listen();
    const opened = await blank(context);
    await opened.page.goto(url);
    return { ...opened, admin, url, port };
  };
  return { open, blank };
}

export function figure(page: Page, name: string) {
  return page.locator(`.client [data-figure=${name}]`).first();
}

/** Runs in the page: every text that stands out too little from what is behind it, and how many there were. */
export const contrasts = `(() => {
  const channels = (color) => (color.match(/[\\d.]+/g) ?? []).map(Number);
  const luminance = (color) => {
    const [r, g, b] = channels(color).map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const groundOf = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (channels(color)[3] !== 0) return color;
    }
    return 'rgb(255, 255, 255)';
  };
  const faint = [];
  let seen = 0;
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.checkVisibility({ visibilityProperty: true })) continue;
    seen++;
    const [a, b] = [getComputedStyle(element).color, groundOf(element)].map(luminance);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) faint.push(element.textContent + ': ' + ratio.toFixed(2));
  }
  return { faint, seen };
})()`;
