/** The page for everybody: by the keyboard, on a phone, in light and dark. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rejection } from '../support/client.js';
import { busy, contrasts, failing, figure, fine, noBrowser, opening } from './chromium.js';

describe.skipIf(noBrowser)('the page', () => {
  const { open } = opening();
  const pictures = mkdtempSync(join(tmpdir(), 'pillion-admin-'));

  it('is gone through by Tab in the order it is read, and shows where one is', async () => {
    const { page } = await open([busy('billing', fine), busy('users', fine)], { writable: true });
    await page.locator('.client').nth(1).locator('.force').waitFor();
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
    const buttons = ['Automatic', 'Force open', 'Force closed'];
    const order = ['filter', 'billing', ...buttons, 'users', ...buttons];
    expect(stops).toEqual(order.map((name) => `${name} solid 3px`));
  });

  it('forces a circuit where it may, by the keyboard alone', async () => {
    const client = busy('billing', fine);
    const { page, troubles } = await open([client], { writable: true });
    const button = page.getByRole('button', { name: 'Force open' });
    await button.waitFor();
    for (let tabs = 0; tabs < 20 && !(await button.evaluate((each) => each.matches(':focus-visible'))); tabs++)
      await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await expect.poll(() => button.getAttribute('aria-pressed')).toBe('true');
    expect(await page.getByRole('button', { name: 'Automatic' }).getAttribute('aria-pressed')).toBe('false');
    expect((await rejection(client.get('/'))).code).toBe('ERR_CIRCUIT_OPEN');
    expect(await button.evaluate((each) => each.matches(':focus'))).toBe(true);
    expect(troubles).toEqual([]);
  });

  it('has no such buttons where it may not, nor where there is no circuit', async () => {
    const { page } = await open([busy('billing', fine)]);
    await page.getByRole('heading', { name: 'billing' }).waitFor();
    expect(await page.getByRole('button', { name: 'Force open' }).isVisible()).toBe(false);
    const without = await open([busy('billing', fine, { circuitBreaker: false })], { writable: true });
    await without.page.getByRole('heading', { name: 'billing' }).waitFor();
    expect(await without.page.getByRole('button', { name: 'Force open' }).isVisible()).toBe(false);
  });

  it('is worked by keys: / filters, Enter folds a client', async () => {
    const { page } = await open([busy('billing', fine), busy('users', fine)]);
    await page.getByRole('heading', { name: 'users' }).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('USE');
    await expect.poll(() => page.locator('.client:visible h2').allTextContents()).toEqual(['users']);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    const users = page.locator('.client', { has: page.getByRole('heading', { name: 'users' }) });
    await expect.poll(() => users.locator('[data-figure=rate]').isVisible()).toBe(false);
    expect(await users.locator('.brief').textContent()).toMatch(/\/s/);
    await page.keyboard.press('Enter');
    await expect.poll(() => users.locator('[data-figure=rate]').isVisible()).toBe(true);
    await page.keyboard.press('/');
    await page.keyboard.type('/');
    expect(await page.locator('#filter').inputValue()).toBe('USE/');
    await page.getByText('No client name contains this text.').waitFor();
  });

  it.each([360, 320])('fits a phone: nothing reaches beyond %i pixels', async (width) => {
    const long = 'a-client-with-a-name-that-is-as-long-as-anybody-would-make-it';
    const { page } = await open([failing(long)], { writable: true }, { viewport: { width, height: 800 } });
    await page.locator('.destinations .badge').first().waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    await page.locator('summary').click();
    await expect.poll(() => figure(page, 'rate').isVisible()).toBe(false);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    await page.locator('summary').click();
    await page.screenshot({ path: join(pictures, `phone-${width}.png`), fullPage: true });
  });

  it.each(['light', 'dark'] as const)('can be read in %s: text has a contrast of 4.5 at least', async (colorScheme) => {
    const clients = [failing(), busy('users', fine)];
    const { page } = await open(clients, { writable: true }, { colorScheme });
    await page.getByText('is open', { exact: false }).first().waitFor();
    const { faint, seen } = (await page.evaluate(contrasts)) as { faint: string[]; seen: number };
    expect(faint).toEqual([]);
    expect(seen).toBeGreaterThan(50);
    const ground = await page.evaluate('getComputedStyle(document.body).backgroundColor');
    expect(ground).toBe(colorScheme === 'dark' ? 'rgb(16, 18, 22)' : 'rgb(246, 247, 249)');
    await page.screenshot({ path: join(pictures, `${colorScheme}.png`), fullPage: true });
  });

  it.each(['light', 'dark'] as const)(
    'can be read in %s when the connection is lost, and at the login',
    async (colorScheme) => {
      const lost = await open([busy('billing', fine)], {}, { colorScheme });
      await lost.page.getByRole('heading', { name: 'billing' }).waitFor();
      await lost.admin.close();
      await lost.page.locator('#lost').waitFor();
      expect(await lost.page.evaluate(contrasts)).toMatchObject({ faint: [] });
      const login = await open([], { token: 'a-token-of-some-length' }, { colorScheme });
      await login.page.getByLabel('Token').fill('wrong');
      await login.page.keyboard.press('Enter');
      await login.page.getByText('The token is missing or wrong').waitFor();
      expect(await login.page.evaluate(contrasts)).toMatchObject({ faint: [] });
    },
  );

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
