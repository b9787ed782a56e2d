/** The page in a real browser: what it shows, and that it recovers. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { createHttpClient } from 'pillion';
import { createAdmin } from 'pillion/admin';
import { describe, expect, it, onTestFinished } from 'vitest';
import { authority } from '../support/certificates.js';
import { rejection, silent, until } from '../support/client.js';
import { busy, failing, figure, fine, noBrowser, opening } from './chromium.js';

describe.skipIf(noBrowser)('the page', () => {
  const { open, blank } = opening();

  it('shows figures, and they change', async () => {
    const { page, troubles, asked, url } = await open([busy('billing', fine)]);
    await page.getByRole('heading', { name: 'billing' }).waitFor();
    await expect
      .poll(async () => Number(await figure(page, 'rate').textContent()), { timeout: 10_000 })
      .toBeGreaterThan(10);
    expect(await figure(page, 'p99').textContent()).toMatch(/^[\d.]+ ms$/);
    expect(await page.locator('[data-plot=rate] svg').getAttribute('aria-label')).toMatch(
      /^Last two minutes: now [\d.]+ per second, at most [\d.]+\/s$/,
    );
    expect(await page.locator('[data-plot=latency] svg').getAttribute('aria-label')).toMatch(/p99 .* ms, p50 .* ms/);
    expect(await page.locator('[data-plot=rate] .most').textContent()).toMatch(/^max \d/);
    const before = await page.locator('[data-plot=rate] .line').getAttribute('d');
    await expect.poll(() => page.locator('[data-plot=rate] .line').getAttribute('d')).not.toBe(before);
    expect(await page.locator('#overall').textContent()).toBe('up');
    expect(await page.title()).toBe('pillion: up');
    // Nothing was refused by the policy, and nothing asked of anybody else.
    expect(troubles).toEqual([]);
    expect(asked.length).toBeGreaterThan(1);
    for (const each of asked) expect(each.startsWith(url) || each.startsWith('data:')).toBe(true);
  });

  it('shows what is wrong, and what is not: circuits, endpoints, limits, certificates', async () => {
    const { cert, key } = await (await authority('the CA')).issue({
      name: 'ledger-client',
      expiresIn: 3.5 * 86_400_000,
    });
    const ledger = createHttpClient(
      { name: 'ledger', baseURL: 'https://ledger.test', tls: { cert, key } },
      { logger: silent },
    );
    onTestFinished(() => ledger.close());
    const many = busy('users', fine, {
      endpoints: { static: [{ address: '10.0.0.1:443' }, { address: '10.0.0.2:443' }] },
      limits: { maxRequests: 7 },
    });
    const { page } = await open([failing(), many, ledger], { certificateDays: 14 });
    await page.getByText('the circuit to https://billing.test is open').waitFor();
    expect(await page.locator('#overall').textContent()).toBe('degraded');
    const card = (name: string) => page.locator('.client', { has: page.getByRole('heading', { name, exact: true }) });
    expect(await card('billing').locator('.destinations .badge').allTextContents()).toEqual(['circuit open']);
    await expect
      .poll(() => card('users').locator('.destinations li').allTextContents())
      .toEqual([
        expect.stringMatching(/^10\.0\.0\.1:443circuit closed · usable/),
        expect.stringMatching(/^10\.0\.0\.2:443circuit closed · usable/),
      ]);
    expect(await card('users').locator('[data-figure=maxRunning]').textContent()).toBe('of 7 each');
    expect(await card('users').locator('[data-figure=connections]').textContent()).toBe('–');
    expect(await card('ledger').locator('[data-figure=certificate]').textContent()).toBe('3 days');
    expect(await card('ledger').locator('[data-figure=subject]').textContent()).toBe('CN=ledger-client');
    expect(await card('ledger').locator('.reasons').textContent()).toContain('the certificate expires at');
    expect(await card('ledger').locator('[data-figure=ratio]').textContent()).toBe('–');
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
    await expect.poll(() => page.locator('#refused').textContent()).toContain('The token is missing or wrong');
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

  it('says why where a circuit cannot be forced', async () => {
    const client = busy('billing', fine);
    const { page, admin } = await open([client], { writable: true });
    await page.getByRole('button', { name: 'Force open' }).waitFor();
    await page.route(/\/circuit/, (route) =>
      route.fulfill({ status: 403, contentType: 'application/json', body: '{"error":"<b>not by you</b>"}' }),
    );
    await page.getByRole('button', { name: 'Force open' }).click();
    await page.getByText('<b>not by you</b>').waitFor();
    await page.unroute(/\/circuit/);
    await page.getByRole('button', { name: 'Force open' }).click();
    await expect.poll(() => client.stats().forcedCircuit).toBe('open');
    expect(await page.locator('.told').textContent()).toBe('');
    expect((await rejection(client.get('/'))).code).toBe('ERR_CIRCUIT_OPEN');
    await admin.close();
  });

  it('keeps a selection in text that has not changed', async () => {
    const { page } = await open([failing()]);
    const reason = page.getByText('the circuit to https://billing.test is open');
    await reason.waitFor();
    await reason.evaluate((element) => Object.assign(element, { same: true }));
    const samples = await page.locator('[data-plot=rate] .line').getAttribute('d');
    await expect.poll(() => page.locator('[data-plot=rate] .line').getAttribute('d')).not.toBe(samples);
    expect(await reason.evaluate((element) => 'same' in element)).toBe(true);
  });
});
