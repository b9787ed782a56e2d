/** The page in a real browser: what it shows, and that it recovers. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { createHttpClient } from 'pillion';
import { createAdmin } from 'pillion/admin';
import { describe, expect, it, onTestFinished } from 'vitest';
import { rejection, silent, until } from '../support/client.js';
import { busy, card, failing, figure, fine, noBrowser, opened, opening } from './chromium.js';

describe.skipIf(noBrowser)('the page', () => {
  const { open, blank } = opening();

  it('shows figures, and they change', async () => {
    const { page, troubles, asked, url } = await open([busy('billing', fine), busy('users', fine)]);
    await page.getByText('All 2 clients are well.').waitFor();
    await expect
      .poll(() => card(page, 'users').locator('.brief').textContent())
      .toMatch(/^[\d.]+ calls\/s, p99 [\d.]+ ms$/);
    expect(await page.locator('.client[open]').count()).toBe(0);
    await opened(page, 'billing');
    await expect
      .poll(async () => Number.parseFloat((await figure(page, 'rate').textContent()) ?? ''))
      .toBeGreaterThan(10);
    expect(await figure(page, 'latency').textContent()).toMatch(/^[\d.]+ ms$/);
    const before = await figure(page, 'attempts').textContent();
    await expect.poll(() => figure(page, 'attempts').textContent()).not.toBe(before);
    expect(await page.title()).toBe('pillion');
    // Nothing was refused by the policy, and nothing asked of anybody else.
    expect(troubles).toEqual([]);
    expect(asked.length).toBeGreaterThan(1);
    for (const each of asked) expect(each.startsWith(url) || each.startsWith('data:')).toBe(true);
  });

  it('has a client that fails on top, red and open, and says what fails, since when, what callers get and what to check', async () => {
    const { page, troubles, url } = await open([busy('accounts', fine), failing()]);
    await page.getByText('1 of 2 clients is failing (billing), 1 is well.').waitFor();
    expect(await page.locator('.client h2').allTextContents()).toEqual(['billing', 'accounts']);
    expect(await page.locator('.client[open] h2').allTextContents()).toEqual(['billing']);
    const said = card(page, 'billing').locator('.said p');
    await expect
      .poll(() => said.first().textContent())
      .toMatch(
        /^All \d+ calls of the last 30 s failed; \d+ of these were turned away in this process, without a request: callers get ERR_CIRCUIT_OPEN at once\. Calls have been failing since [\d:]{8} \(\d+ s\)\.$/,
      );
    expect(await page.evaluate('getComputedStyle(document.querySelector(".said p")).color')).toBe('rgb(160, 28, 34)');
    expect(await said.nth(1).textContent()).toMatch(
      /^The upstream https:\/\/billing\.test has been answering 503 since .* The circuit has been open since /,
    );
    expect(await card(page, 'billing').locator('[data-part=failures] .what').allTextContents()).toEqual([
      '503 (ERR_BAD_RESPONSE) from https://billing.test',
    ]);
    const link = card(page, 'billing').getByRole('link', { name: 'Runbook: 503' });
    expect((await link.getAttribute('href'))?.startsWith(`${url}runbook#`)).toBe(true);
    expect(troubles).toEqual([]);
  });

  it('keeps what the reader opened and closed, also over a reload', async () => {
    const { page } = await open([busy('accounts', fine), failing()]);
    await page.locator('.client[open]', { hasText: 'billing' }).waitFor();
    await opened(page, 'accounts');
    await card(page, 'billing').locator('summary').first().click();
    const isOpen = () => page.locator('.client[open] h2').allTextContents();
    await expect.poll(isOpen).toEqual(['accounts']);
    const shown = await figure(page, 'attempts').textContent();
    await expect.poll(() => figure(page, 'attempts').textContent()).not.toBe(shown);
    expect(await isOpen()).toEqual(['accounts']);
    await page.reload();
    await page.getByText('1 of 2 clients is failing').waitFor();
    await expect.poll(isOpen).toEqual(['accounts']);
  });

  it('keeps cards in place while they are used, offers to sort them, and sorts them without moving the focus', async () => {
    let status = 200;
    const { page } = await open([busy('accounts', fine), busy('users', [{ reply: () => status }])]);
    await page.getByText('All 2 clients are well.').waitFor();
    await card(page, 'accounts').locator('summary').first().focus();
    // Text that is selected is being used.
    await page.evaluate('getSelection().selectAllChildren(document.querySelector(".client h2"))');
    status = 503;
    await page.getByRole('button', { name: 'Other clients are worse off now: sort' }).waitFor({ timeout: 15_000 });
    const names = () => page.locator('.client h2').allTextContents();
    expect(await names()).toEqual(['accounts', 'users']);
    await page.evaluate('getSelection().removeAllRanges()');
    await expect.poll(names, { timeout: 10_000 }).toEqual(['users', 'accounts']);
    expect(await page.evaluate('document.activeElement.querySelector("h2").textContent')).toBe('accounts');
  });

  it('leaves in place what is under the pointer while a card above it grows', async () => {
    const above = failing();
    const { page } = await open([above, busy('users', fine)]);
    await page.getByText('The circuit has been open').waitFor();
    await opened(page, 'users');
    const held = card(page, 'users').locator('[data-part=active]');
    await held.hover();
    const before = await held.boundingBox();
    above.forceCircuit('open', { by: 'alice', for: '15m' });
    await page.getByText('The circuits were forced open by alice').waitFor();
    expect(Math.abs(((await held.boundingBox())?.y ?? 0) - (before?.y ?? 0))).toBeLessThan(2);
  });

  it('plots an hour from before it was opened, and tells of it in words', async () => {
    const { page, admin, url } = await open([busy('billing', fine)]);
    const at = Array.from({ length: 359 }, (_, index) => Date.now() - (359 - index) * 10_000);
    const each = <Value>(value: Value) => at.map(() => value);
    const billing = {
      at,
      calls: each(120),
      failed: each(0),
      refused: each(0),
      p50: each(5),
      p99: each(9),
      refusedP99: each(null),
    };
    await page.route(/\/history/, (route) => route.fulfill({ json: { interval: 10_000, clients: { billing } } }));
    await page.goto(url);
    await opened(page, 'billing');
    const plot = (name: RegExp) => page.getByRole('img', { name });
    await plot(
      /^Calls per second since [\d:]{8}: all now 12\/s, at most 12\/s at .*; failed none; turned away here none\.$/,
    ).waitFor();
    await plot(/^Latency of answers since .*p99 now 9 ms/).waitFor();
    await plot(/^Latency of calls turned away here: No call was turned away/).waitFor();
    expect((await page.locator('.line.calls').first().getAttribute('d'))?.length).toBeGreaterThan(2000);
    await admin.close();
  });

  it('shows a name as text, whatever it is', async () => {
    const name = '<img src=x onerror=alert(1)>';
    const client = createHttpClient({ name, baseURL: 'https://a.test' }, { logger: silent });
    onTestFinished(() => client.close());
    const { page, troubles } = await open([client]);
    await expect.poll(() => page.locator('.client h2').textContent()).toBe(name);
    expect(await page.locator('.client img').count()).toBe(0);
    expect(troubles).toEqual([]);
  });

  it('says where there is nothing to show', async () => {
    const { page } = await open([]);
    await page.getByText('There are no clients.').waitFor();
  });

  it('asks for the token, keeps it out of the URL, and shows figures with it', async () => {
    const token = 'a-token-of-some-length';
    const { page, asked } = await open([busy('billing', fine)], { token });
    await page.getByLabel('Token').fill('not-the-token-at-all');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.locator('#rejected').textContent()).toContain('The token is missing or wrong');
    await page.getByLabel('Token').fill(token);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'billing' }).waitFor();
    expect(asked.join()).not.toContain(token);
    expect(await page.getByLabel('Token').isVisible()).toBe(false);
    await page.reload();
    await page.getByRole('heading', { name: 'billing' }).waitFor();
    expect(await page.evaluate('document.cookie + location.href + JSON.stringify(localStorage)')).not.toContain(token);
  });

  it('takes the figures away from one who is let in no longer', async () => {
    let allowed = true;
    const { page, admin, port } = await open([busy('billing', fine)], { token: () => allowed });
    await page.getByRole('heading', { name: 'billing' }).waitFor();
    allowed = false;
    await admin.close();
    const next = createAdmin([busy('billing', fine)], { token: () => allowed });
    onTestFinished(() => next.close());
    await next.listen({ port });
    await page.getByLabel('Token').waitFor();
    expect(await page.locator('.client').count()).toBe(0);
  });

  it('says when the connection is lost, from when the figures are, and goes on by itself', async () => {
    const { page, admin, port } = await open([busy('billing', fine)]);
    await page.getByRole('heading', { name: 'billing' }).waitFor();
    await admin.close();
    await page.getByText(/^No connection\. The figures below are from .*\. Reconnecting\.$/).waitFor();
    const again = createAdmin([busy('orders', fine)]);
    onTestFinished(() => again.close());
    await again.listen({ port });
    await page.getByRole('heading', { name: 'orders' }).waitFor();
    expect(await page.locator('#lost').isVisible()).toBe(false);
    expect(await page.getByRole('heading', { name: 'billing' }).count()).toBe(0);
  });

  it('does not hold up a server that closes', async () => {
    const { page } = await blank();
    const admin = createAdmin([busy('billing', fine)]);
    onTestFinished(() => admin.close());
    const server = http.createServer(admin);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.getByRole('heading', { name: 'billing' }).waitFor();
    await new Promise((resolve) => server.close(resolve));
    await page.getByText(/^No connection\..* Reconnecting\.$/).waitFor();
  });

  it('begins anew where a stream has died without a word', async () => {
    const { page } = await blank();
    await page.clock.install();
    let streams = 0;
    const admin = createAdmin([busy('billing', fine)]);
    onTestFinished(() => admin.close());
    const { url } = await admin.listen();
    await page.route('**/events', async (route) => {
      streams++;
      // The first never answers.
      if (streams > 1) await route.continue();
    });
    await page.goto(url);
    await until(() => streams === 1);
    await page.clock.runFor(12_000);
    await page.getByRole('heading', { name: 'billing' }).waitFor();
    expect(streams).toBe(2);
  });

  it('asks before it forces a circuit, says for how long it holds and by whom, and sets it back', async () => {
    const client = busy('billing', fine);
    const { page } = await open([client], { writable: true, token: () => ({ by: 'alice' }) });
    await opened(page, 'billing');
    await page.getByRole('button', { name: 'Force open…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Force the circuits of billing open?' });
    await dialog.getByText('callers get ERR_CIRCUIT_OPEN at once').waitFor();
    expect(client.stats()).not.toHaveProperty('forcedCircuit');
    await page.route(/\/circuit/, (route) => route.fulfill({ status: 403, json: { error: '<b>not by you</b>' } }));
    await dialog.getByRole('button', { name: 'Force open for 15 minutes' }).click();
    await dialog.getByText('Nothing was changed: <b>not by you</b>').waitFor();
    await page.unroute(/\/circuit/);
    await dialog.getByRole('button', { name: 'Force open for 15 minutes' }).click();
    await page
      .getByText(/^The circuits were forced open by alice at .* This holds until .* \(in 1[45] min\)/)
      .waitFor();
    expect((await rejection(client.get('/'))).code).toBe('ERR_CIRCUIT_OPEN');
    await page.getByRole('button', { name: 'Set back to automatic' }).click();
    await expect.poll(() => client.stats().forcedCircuit).toBe(undefined);
    await page.getByText('The circuits were forced').waitFor({ state: 'hidden' });
  });

  it('keeps a selection while the text around it changes', async () => {
    const { page } = await open([failing()]);
    const said = page.locator('.said p').first();
    await said.getByText('Calls have been failing').waitFor();
    await page.evaluate('getSelection().selectAllChildren(document.querySelector(".said p"))');
    const selected = await page.evaluate('String(getSelection())');
    const shown = await figure(page, 'attempts').textContent();
    await expect.poll(() => figure(page, 'attempts').textContent(), { timeout: 10_000 }).not.toBe(shown);
    expect(await page.evaluate('String(getSelection())')).toBe(selected);
  });
});
