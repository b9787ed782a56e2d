/** What the tests of the page share: a browser, clients with traffic, and a page that is watched for trouble. */
import { existsSync } from 'node:fs';
import axe, { type AxeResults } from 'axe-core';
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

/** A zone in which it is noon, give or take an hour: times of another day are told with their date. */
function zoneOfNoon(): string {
  const ahead = 12 - new Date().getUTCHours();
  // The signs of these names are the other way round.
  return `Etc/GMT${ahead > 0 ? '-' : '+'}${Math.abs(ahead)}`;
}

/** To be called where tests are described: one browser for all of them. */
export function opening() {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: executablePath as string, args: ['--no-sandbox'] });
  }, 60_000);
  afterAll(() => browser?.close());

  /** A page without an admin handler yet. */
  const blank = async (options: BrowserContextOptions = {}) => {
    const context = await browser.newContext({
      ...{ viewport: { width: 1200, height: 900 }, timezoneId: zoneOfNoon() },
      ...options,
    });
    onTestFinished(() => context.close());
    const page = await context.newPage();
    const troubles: string[] = [];
    page.on('console', (message) => troubles.push(message.text()));
    page.on('pageerror', (error) => troubles.push(String(error)));
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    return { page, troubles, asked };
  };
  const open = async (
    clients: Parameters<typeof createAdmin>[0],
    options: AdminOptions = {},
    context: BrowserContextOptions = {},
  ) => {
    const admin = createAdmin(clients, options);
    onTestFinished(() => admin.close());
    const { url, port } = await admin.listen();
    const opened = await blank(context);
    await opened.page.goto(url);
    return { ...opened, admin, url, port };
  };
  return { open, blank };
}

/** The card of a client. */
export function card(page: Page, name: string) {
  return page.locator('.client', { has: page.getByRole('heading', { name, exact: true }) });
}

/** A figure of an open card. */
export function figure(page: Page, name: string) {
  return page.locator(`.client[open] [data-part=${name}]`).first();
}

/** Opens the card of a client that is well, once it is there. */
export async function opened(page: Page, name: string) {
  await card(page, name).locator('summary').first().click();
  return card(page, name);
}

/** What axe finds wrong in light, and of contrasts in dark, as the rule and the elements. */
export async function violationsOf(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const found: string[] = [];
  for (const [colorScheme, rules] of [
    ['light', {}],
    ['dark', { runOnly: ['color-contrast'] }],
  ] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const { violations } = await page.evaluate<AxeResults>(`axe.run(${JSON.stringify(rules)})`);
    found.push(
      ...violations.map(({ id, nodes }) => `${id} in ${colorScheme}: ${nodes.map(({ html }) => html).join(', ')}`),
    );
  }
  return found;
}
