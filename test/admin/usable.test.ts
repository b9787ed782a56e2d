/** The page for everybody: by the keyboard, on a phone, in light and dark. */
import { writeFileSync } from 'node:fs';
import { loadHttpClients } from 'pillion';
import { createMockTransport } from 'pillion/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { rejection, silent } from '../support/client.js';
import { files } from '../support/files.js';
import { busy, card, failing, figure, fine, noBrowser, opened, opening, violationsOf } from './chromium.js';

describe.skipIf(noBrowser)('the page', () => {
  const { open } = opening();

  it('is gone through by Tab in the order it is read, and shows where one is', async () => {
    const { page } = await open([failing(), busy('users', fine)], { writable: true });
    await page.getByRole('link', { name: 'Runbook: 503' }).waitFor();
    await page.getByRole('link', { name: 'Runbook: ERR_CIRCUIT_OPEN' }).waitFor();
    const stops: string[] = [];
    for (let tabs = 0; tabs < 9; tabs++) {
      await page.keyboard.press('Tab');
      stops.push(
        await page.evaluate<string>(`(() => {
          const at = document.activeElement;
          const { outlineStyle, outlineWidth } = getComputedStyle(at);
          const name = at.id || at.querySelector('h2')?.textContent || at.textContent;
          return name + ' ' + outlineStyle + ' ' + outlineWidth;
        })()`),
      );
    }
    const links = ['Runbook: 503', 'Runbook: ERR_CIRCUIT_OPEN', 'Runbook: failing'];
    const order = ['filter', 'billing', ...links, '1 destination', 'Force open…', 'Force closed…', 'users'];
    expect(stops).toEqual(order.map((name) => `${name} solid 3px`));
  });

  it('forces a circuit by the keyboard alone: asks once, and gives the focus back', async () => {
    const client = busy('billing', fine);
    const { page, troubles } = await open([client], { writable: true });
    await opened(page, 'billing');
    const button = page.getByRole('button', { name: 'Force open…' });
    await button.focus();
    await page.keyboard.press('Enter');
    await page.getByLabel('For how long').waitFor();
    expect(await page.evaluate('document.activeElement.value')).toBe('15');
    await page.keyboard.press('Escape');
    expect(await button.evaluate((each) => each.matches(':focus'))).toBe(true);
    expect(client.stats()).not.toHaveProperty('forcedCircuit');
    await page.keyboard.press('Enter');
    await page.keyboard.press('End');
    await page.getByText('It holds until somebody changes it here.').waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await expect.poll(() => client.stats().forcedCircuit).toBe('open');
    await page.getByText('This holds until somebody changes it.').waitFor();
    expect((await rejection(client.get('/'))).code).toBe('ERR_CIRCUIT_OPEN');
    expect(troubles).toEqual([]);
  });

  it('has no such buttons where it may not, nor where there is no circuit', async () => {
    const { page } = await open([busy('billing', fine)]);
    await opened(page, 'billing');
    await figure(page, 'rate').waitFor();
    expect(await page.getByRole('button', { name: 'Force open…' }).isVisible()).toBe(false);
    const without = await open([busy('billing', fine, { circuitBreaker: false })], { writable: true });
    await opened(without.page, 'billing');
    await figure(without.page, 'rate').waitFor();
    expect(await without.page.getByRole('button', { name: 'Force open…' }).isVisible()).toBe(false);
  });

  it('is worked by keys: / filters, Enter opens and closes a client', async () => {
    const { page } = await open([busy('billing', fine), busy('users', fine)]);
    await page.getByRole('heading', { name: 'users' }).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('USE');
    await expect.poll(() => page.locator('.client:visible h2').allTextContents()).toEqual(['users']);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await figure(page, 'rate').waitFor();
    await page.keyboard.press('Enter');
    await expect.poll(() => page.locator('.client[open]').count()).toBe(0);
    await page.keyboard.press('/');
    await page.keyboard.type('/');
    expect(await page.locator('#filter').inputValue()).toBe('USE/');
    await page.getByText('No client name contains this text.').waitFor();
  });

  it.each([360, 320])('fits a phone: nothing reaches beyond %i pixels', async (width) => {
    const long = 'a-client-with-a-name-that-is-as-long-as-anybody-would-make-it';
    const { page } = await open([failing(long)], { writable: true }, { viewport: { width, height: 800 } });
    await page.getByText('The circuit has been open').waitFor();
    await page.getByText('1 destination').click();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    await page.getByRole('button', { name: 'Force open…' }).click();
    await page.getByLabel('For how long').waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    await page.keyboard.press('Escape');
    await page.locator('summary').first().click();
    await expect.poll(() => page.locator('.client[open]').count()).toBe(0);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
  });

  it('can be read by everybody when the connection is lost, and at the login', async () => {
    const lost = await open([busy('billing', fine)]);
    await lost.page.getByRole('heading', { name: 'billing' }).waitFor();
    await lost.admin.close();
    await lost.page.locator('#lost').waitFor();
    expect(await violationsOf(lost.page)).toEqual([]);
    expect(await lost.page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(16, 18, 22)');
    const login = await open([], { token: 'a-token-of-some-length' });
    await login.page.getByLabel('Token').fill('wrong');
    await login.page.keyboard.press('Enter');
    await login.page.getByText('The token is missing or wrong').waitFor();
    expect(await violationsOf(login.page)).toEqual([]);
  });

  it('has no fault that axe finds: all well, in an outage, and with a refused configuration and the dialog open', async () => {
    let status = 200;
    const text = (more = '') =>
      `clients: { billing: { baseURL: http://billing.test }, users: { baseURL: http://users.test${more} } }`;
    const path = files({ 'clients.yaml': text() })['clients.yaml'];
    const transport = createMockTransport([{ path: /billing/, reply: () => status }, { reply: 200 }]);
    const registry = loadHttpClients(path, { transport, logger: silent });
    const timer = setInterval(() => {
      registry
        .get('billing')
        .get('/billing')
        .catch(() => {});
      registry
        .get('users')
        .get('/')
        .catch(() => {});
    }, 20);
    onTestFinished(() => {
      clearInterval(timer);
      return registry.close();
    });
    const { page } = await open(registry, { writable: true });
    await page.getByText('All 2 clients are well.').waitFor();
    await opened(page, 'users');
    await figure(page, 'rate').waitFor();
    expect(await violationsOf(page)).toEqual([]);
    status = 503;
    await card(page, 'billing').getByText('The circuit has been open').waitFor();
    await card(page, 'billing').getByText('1 destination').click();
    expect(await violationsOf(page)).toEqual([]);
    writeFileSync(path, text(', retry: { maxRetries: 11 }'));
    await registry.refresh();
    await page.getByText(/clients\.yaml, line 1, column \d+: clients\.users\.retry\.maxRetries: Too big/).waitFor();
    await page.getByText(/^Refused at .* Version 1 \(\w+\) stays in force; it has been since /).waitFor();
    await card(page, 'billing').getByRole('button', { name: 'Force closed…' }).click();
    await page.getByRole('dialog').waitFor();
    expect(await violationsOf(page)).toEqual([]);
  }, 60_000);

  it('moves nothing for those who asked for less motion', async () => {
    const { page } = await open([busy('billing', fine)], {}, { reducedMotion: 'reduce' });
    await page.getByRole('heading', { name: 'billing' }).waitFor();
    const moving = await page.evaluate(`[...document.querySelectorAll('*')].filter((each) => {
      const { transitionDuration, animationName } = getComputedStyle(each);
      return transitionDuration !== '0s' || animationName !== 'none';
    }).length`);
    expect(moving).toBe(0);
  });
});
