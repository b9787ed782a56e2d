/** The page in a real browser: what it shows, that it stays so, and that everybody can use it. */
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHttpClient, type HttpClient, type HttpClientConfig } from 'pillion';
import { type AdminOptions, createAdmin } from 'pillion/admin';
import { createMockTransport, type Script } from 'pillion/testing';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { rejection, silent } from '../client/scripted.js';

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
if (executablePath === undefined) {
  const advice = 'There is no Chromium; install it (Debian: apt-get install chromium).';
  if (process.env.CI) throw new Error(advice);
  console.warn(`The tests of the admin page are skipped. ${advice}`);
}

/** Calls for one client every 20 ms, as long as the test runs. */
function busy(name: string, script: Script, config: HttpClientConfig = {}): HttpClient {
  const transport = createMockTransport(script);
  const client = createHttpClient({ name, baseURL: `https://${name}.test`, ...config }, { transport, logger: silent });
  const timer = setInterval(() => client.get('/').catch(() => {}), 20);
  onTestFinished(() => {
    clearInterval(timer);
    return client.close({ grace: 0 });
  });
  return client;
}

describe.skipIf(executablePath === undefined)('the page', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: executablePath as string, args: ['--no-sandbox'] });
  }, 60_000);
  afterAll(() => browser.close());

  const fine: Script = [{ reply: { data: {}, delay: 4 } }];

  async function opened(clients: HttpClient[], options: AdminOptions = {}, context: BrowserContextOptions = {}) {
    const admin = createAdmin(clients, options);
    const { url } = await admin.listen();
    const opened = await browser.newContext({ viewport: { width: 1100, height: 800 }, ...context });
    const page = await opened.newPage();
    const troubles: string[] = [];
    page.on('console', (message) => troubles.push(message.text()));
    page.on('pageerror', (error) => troubles.push(String(error)));
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    onTestFinished(async () => {
      await opened.close();
      await admin.close();
    });
    await page.goto(url);
    return { page, admin, url, troubles, asked };
  }

  const figure = (page: Page, name: string) => page.locator(`.client [data-figure=${name}]`).first();

  it('shows figures, and they change', async () => {
    const { page, troubles, asked, url } = await opened([busy('billing', fine)]);
    await page.getByRole('heading', { name: 'billing' }).waitFor();
    await expect
      .poll(async () => Number(await figure(page, 'rate').textContent()), { timeout: 10_000 })
      .toBeGreaterThan(10);
    expect(await figure(page, 'p99').textContent()).toMatch(/^[\d.]+ ms$/);
    expect(await page.locator('[data-plot=rate] svg').getAttribute('aria-label')).toMatch(
      /^Last two minutes: now [\d.]+ per second/,
    );
    const before = await page.locator('[data-plot=rate] polyline').getAttribute('points');
    await expect.poll(() => page.locator('[data-plot=rate] polyline').getAttribute('points')).not.toBe(before);
    expect(await page.locator('#overall').textContent()).toBe('up');
    // Nothing was refused by the policy, and nothing asked of anybody else.
    expect(troubles).toEqual([]);
    for (const each of asked) expect(each.startsWith(url) || each.startsWith('data:')).toBe(true);
  });

  it('shows what is wrong: an open circuit, endpoints that are out', async () => {
    const circuitBreaker = { volumeThreshold: 2, errorThresholdPercentage: 50 };
    const failing = busy('billing', [{ reply: 503 }], { retry: false, circuitBreaker });
    const many = busy('users', fine, {
      endpoints: { static: [{ address: '10.0.0.1:443' }, { address: '10.0.0.2:443' }] },
    });
    const { page } = await opened([failing, many]);
    await page.getByText('the circuit to https://billing.test is open').waitFor();
    expect(await page.locator('#overall').textContent()).toBe('degraded');
    expect(await page.locator('.circuits .badge').first().textContent()).toBe('open');
    expect(await page.locator('.endpoints:visible li').allTextContents()).toEqual([
      expect.stringMatching(/^usable10\.0\.0\.1:443/),
      expect.stringMatching(/^usable10\.0\.0\.2:443/),
    ]);
  });

  it('forces a circuit where it may, by the keyboard alone', async () => {
    const client = busy('billing', fine);
    const { page } = await opened([client], { writable: true });
    const open = page.getByRole('button', { name: 'Force open' });
    await open.waitFor();
    for (let tabs = 0; tabs < 20 && !(await open.evaluate((button) => button.matches(':focus-visible'))); tabs++)
      await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await expect.poll(() => open.getAttribute('aria-pressed')).toBe('true');
    expect((await rejection(client.get('/'))).code).toBe('ERR_CIRCUIT_OPEN');
  });

  it('has no such buttons where it may not', async () => {
    const { page } = await opened([busy('billing', fine)]);
    await page.getByRole('heading', { name: 'billing' }).waitFor();
    expect(await page.getByRole('button', { name: 'Force open' }).isVisible()).toBe(false);
  });

  it('is worked by keys: / filters, Enter folds a client', async () => {
    const { page } = await opened([busy('billing', fine), busy('users', fine)]);
    await page.getByRole('heading', { name: 'users' }).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('USE');
    await expect.poll(() => page.locator('.client:visible h2').allTextContents()).toEqual(['users']);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await figure(page, 'rate').isVisible()).toBe(false);
    expect(await page.locator('.client:visible .brief').textContent()).toMatch(/\/s/);
  });

  it('shows a name as text, whatever it is', async () => {
    const name = '<img src=x onerror=alert(1)>';
    const client = createHttpClient({ name, baseURL: 'https://a.test' }, { logger: silent });
    onTestFinished(() => client.close());
    const { page, troubles } = await opened([client]);
    await expect.poll(() => page.locator('.client h2').textContent()).toBe(name);
    expect(await page.locator('.client img').count()).toBe(0);
    expect(troubles).toEqual([]);
  });

  it('asks for the token, keeps it out of the URL, and shows figures with it', async () => {
    const token = 'a-token-of-some-length';
    const { page, asked } = await opened([busy('billing', fine)], { token });
    await page.getByLabel('Token').fill('not-the-token-at-all');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.locator('#refused').textContent()).toContain('Send the token');
    await page.getByLabel('Token').fill(token);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'billing' }).waitFor();
    expect(asked.join()).not.toContain(token);
    expect(await page.getByLabel('Token').isVisible()).toBe(false);
  });

  it('says when the connection is lost', async () => {
    const { page, admin } = await opened([busy('billing', fine)]);
    await page.getByRole('heading', { name: 'billing' }).waitFor();
    await admin.close();
    await page.getByText('No connection').waitFor();
  });

  it('fits a phone: nothing reaches beyond 320 pixels', async () => {
    const long = busy('a-client-with-a-name-that-is-as-long-as-anybody-would-make-it', fine);
    const { page } = await opened([long], { writable: true }, { viewport: { width: 320, height: 640 } });
    await page.locator('.circuits .badge').first().waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(320);
    await page.screenshot({ path: join(tmpdir(), 'pillion-admin-phone.png') });
  });

  it.each(['light', 'dark'] as const)('can be read in %s: text has a contrast of 4.5 at least', async (colorScheme) => {
    const open = busy('billing', [{ reply: 503 }], { retry: false, circuitBreaker: { volumeThreshold: 2 } });
    const { page } = await opened([open, busy('users', fine)], { writable: true }, { colorScheme });
    await page.getByText('is open', { exact: false }).first().waitFor();
    const faint = await page.evaluate(contrasts);
    expect(faint).toEqual([]);
    const ground = await page.evaluate('getComputedStyle(document.body).backgroundColor');
    expect(ground).toBe(colorScheme === 'dark' ? 'rgb(16, 18, 22)' : 'rgb(246, 247, 249)');
    await page.screenshot({ path: join(tmpdir(), `pillion-admin-${colorScheme}.png`), fullPage: true });
  });
});

/** Runs in the page: every text that stands out too little from what is behind it. */
const contrasts = `(() => {
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
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.checkVisibility({ visibilityProperty: true })) continue;
    const [a, b] = [getComputedStyle(element).color, groundOf(element)].map(luminance);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) faint.push(element.textContent + ': ' + ratio.toFixed(2));
  }
  return faint;
})()`;
