/** No secret that was planted is in the file, wherever it stood and whoever echoed it; and the file still replays. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import type { RecordedRequest, Reply } from 'pillion/testing';
import { expect, it } from 'vitest';
import { rejection } from '../support/client.js';
import { place, recording, replaying } from './fixture-scene.js';

/** Random, as secrets are: 12 characters at least, some of which need encoding in URLs, forms or JSON. */
const secret = fc
  .tuple(fc.stringMatching(/^[A-Za-z0-9]{11,24}$/), fc.constantFrom('/', '+', '=', '%', '&', '"', '\\', ' ', '#', 'x'))
  .map(([text, odd]) => `${text.slice(0, 5)}${odd}${text.slice(5)}7`);

const names = [
  ...['password', 'token', 'secret', 'access_token', 'clientSecret', 'API_KEY', 'x-api-key', 'sessionId', 'sig', 'otp'],
  ...['X-Amz-Signature', 'PrivateKey', 'refreshToken', 'id-token', 'credentials', 'auth', 'passphrase', 'jwt'],
];

interface Planted {
  readonly name: string;
  readonly url: string;
  readonly header: string;
  readonly cookie: string;
  readonly json: string;
  readonly form: string;
  readonly answer: string;
  readonly setCookie: string;
}

const planted: fc.Arbitrary<Planted> = fc.record({
  name: fc.constantFrom(...names),
  url: secret,
  header: secret.map((text) => text.replace(/[^\w=+/]/g, '-')),
  cookie: secret.map((text) => text.replace(/\W/g, '-')),
  json: secret,
  form: secret,
  answer: secret,
  setCookie: secret.map((text) => text.replace(/\W/g, '-')),
});

/** Says back all that it was told, in JSON and as text, and adds secrets of its own. */
function gossip({ name, answer, setCookie }: Planted): Reply {
  return (request: RecordedRequest) => {
    const told = { url: request.url, headers: request.headers, body: request.body };
    const headers = {
      'set-cookie': `sid=${setCookie}; Path=/`,
      location: `https://u:${setCookie}@a.test/?${name}=${setCookie}`,
    };
    const own = { [name]: answer, list: [{ [name]: { deep: answer } }], log: `${name} was ${answer}` };
    if (request.path === '/text') return { data: `${JSON.stringify(told)} ${JSON.stringify(own)}`, headers };
    return { data: { ...own, told, said: JSON.stringify(told) }, headers };
  };
}

async function ask(client: ReturnType<typeof replaying>, { name, url, header, cookie, json, form }: Planted) {
  const headers = {
    authorization: `Bearer ${header}`,
    'proxy-authorization': `Basic ${header}`,
    'x-api-key': header,
    cookie: `a=${cookie}; b=${cookie}`,
  };
  for (const path of ['/json', '/text']) {
    const params = { [name]: url, page: 2 };
    await client.get(path, { params, headers });
    await client.post(path, { [name]: json, list: [{ [name]: [json] }], page: 1 }, { headers });
    await client.post(path, new URLSearchParams({ [name]: form, page: '3', nested: JSON.stringify({ [name]: form }) }));
    const urlencoded = `user[${name}]=${encodeURIComponent(form)}&page=4`;
    await client.post(path, urlencoded, { headers: { 'content-type': 'application/x-www-form-urlencoded' } });
    // Where no name tells of them they are known from where one did.
    await client.post(`${path}/${encodeURIComponent(json)}`, `the token is ${header} and ${url}`);
  }
}

/** A secret in the forms it may take. */
const spellings = (text: string) => [
  text,
  encodeURIComponent(text),
  new URLSearchParams({ v: text }).toString().slice(2),
  JSON.stringify(text).slice(1, -1),
];

it('no secret that was planted in URLs, headers, JSON, forms and texts appears in the file', async () => {
  await fc.assert(
    fc.asyncProperty(planted, async (scene) => {
      const file = place();
      await ask(recording(file, [{ reply: gossip(scene) }]), scene);
      const written = readFileSync(file, 'utf8');
      const { name: _, ...secrets } = scene;
      for (const [where, text] of Object.entries(secrets))
        for (const spelling of spellings(text)) expect(written.includes(spelling), `${where}: ${spelling}`).toBe(false);
      expect(JSON.parse(written).exchanges).toHaveLength(10);
    }),
    { numRuns: 40 },
  );
});

it('a file without secrets answers requests with others', async () => {
  await fc.assert(
    fc.asyncProperty(planted, planted, async (then, now) => {
      const file = place();
      await ask(recording(file, [{ reply: gossip(then) }]), then);
      const replayed = replaying(file);
      await ask(replayed, { ...now, name: then.name });
      replayed.transport.assertDone();
    }),
    { numRuns: 20 },
  );
});

it('a token that was handed out goes on to the next request as it stands in the file', async () => {
  const file = place();
  const logIn = async (client: ReturnType<typeof replaying>) => {
    const { data } = await client.post('/login', { password: 'hunter2-hunter2' });
    const headers = { authorization: `Bearer ${data.access_token}` };
    return (await client.get(`/sessions/${data.access_token}`, { headers })).status;
  };
  expect(await logIn(recording(file, [{ data: { access_token: 'tok-1234567890' } }, 202]))).toBe(202);
  expect(readFileSync(file, 'utf8')).not.toContain('tok-1234567890');
  expect(await logIn(replaying(file))).toBe(202);
});

it('an error of the wire shows none either', async () => {
  const file = place();
  const message = 'connect to https://user:hunter2@a.test failed, token=abc';
  await rejection(recording(file, [{ error: 'ECONNREFUSED', message }], {}, { retry: false }).get('/x'));
  expect(readFileSync(file, 'utf8')).not.toMatch(/hunter2|abc/);
  expect((await rejection(replaying(file, {}, { retry: false }).get('/x'))).code).toBe('ECONNREFUSED');
});
