/** A program that calls the server at `UPSTREAM`; JavaScript too, for bundlers that read nothing else. */
import { AxiosError } from 'axios';
import { createHttpClient } from 'pillion';
import { createAdmin } from 'pillion/admin';
import { createPrometheus } from 'pillion/metrics';
import { assertRequested, createTestClient } from 'pillion/testing';

async function main() {
  const client = createHttpClient({ name: 'billing', baseURL: process.env.UPSTREAM });
  const fast = await client.get('/fast');
  const slow = await client.get('/axios', { family: 4 });
  const form = new FormData();
  form.set('a', 'b');
  const sent = await client.post('/form', form);
  const fetched = await client.fetch('/fetched').then((response) => response.json());
  const failure = await client.get('/missing').catch((error) => error);
  const scripted = createTestClient([503, { data: 'scripted' }]);
  const { data } = await scripted.get('/');
  assertRequested(scripted, { path: '/' }, 2);
  const admin = createAdmin([client]);
  const { url } = await admin.listen();
  const shown = await fetch(`${url}ready`).then((response) => response.json());
  const counted = createPrometheus([client]).text().includes('billing');
  await Promise.all([client.close(), admin.close()]);
  const isAxiosError = failure instanceof AxiosError;
  const answers = [fast.data, slow.data, sent.data, fetched, data];
  console.log(JSON.stringify({ answers, isAxiosError, status: shown.status, counted }));
}

main();
