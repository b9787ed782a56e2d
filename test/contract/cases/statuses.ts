/** `validateStatus`, and what a status makes of an answer. */
import { type Case, h1 } from '../case.js';
import { failure, pick, refusal } from '../outcomes.js';
import { sends } from '../server.js';

export const statuses: readonly Case[] = [
  {
    name: 'any 2xx resolves',
    run: async ({ http, serve }) => {
      const answers = [200, 201, 202, 206, 299].map((status) => http.get(serve(sends({ status }))));
      return (await Promise.all(answers)).map(({ status }) => status);
    },
    expect: [200, 201, 202, 206, 299],
  },
  {
    name: 'a 4xx is ERR_BAD_REQUEST',
    run: ({ http, serve }) => refusal(http.get(serve(sends({ status: 404 })))),
    expect: { code: 'ERR_BAD_REQUEST', message: 'Request failed with status code 404', status: 404 },
  },
  {
    name: 'a 5xx is ERR_BAD_RESPONSE',
    run: ({ http, serve }) => refusal(http.get(serve(sends({ status: 503 })))),
    expect: { code: 'ERR_BAD_RESPONSE', message: 'Request failed with status code 503', status: 503 },
  },
  {
    name: '304 is ERR_BAD_RESPONSE',
    run: ({ http, serve }) => refusal(http.get(serve(sends({ status: 304 })))),
    expect: { code: 'ERR_BAD_RESPONSE', message: 'Request failed with status code 304', status: 304 },
  },
  {
    name: 'a status nobody knows goes by its number',
    run: async ({ http, serve }) => (await http.get(serve(sends({ status: 599 })), { validateStatus: null })).status,
    expect: 599,
  },
  {
    name: 'validateStatus decides',
    run: async ({ http, serve }) => {
      const validateStatus = (status: number) => status === 418;
      const ask = (status: number) => http.get(serve(sends({ status })), { validateStatus });
      return [(await ask(418)).status, (await failure(ask(200))).message];
    },
    expect: [418, 'Request failed with status code 200'],
  },
  {
    name: 'validateStatus null or undefined lets every status through',
    run: async ({ http, serve }) => {
      const path = serve(sends({ status: 500, body: 'why' }));
      const rules = [null, undefined] as unknown as null[];
      const answers = rules.map((validateStatus) => http.get(path, { validateStatus }));
      return (await Promise.all(answers)).map((response) => pick(response, 'status', 'data'));
    },
    expect: [
      { status: 500, data: 'why' },
      { status: 500, data: 'why' },
    ],
  },
  {
    name: 'a validateStatus that throws rejects with what it threw',
    run: async ({ http }) => {
      const validateStatus = () => {
        throw new TypeError('mine');
      };
      return pick(await failure(http.get('/echo', { validateStatus })), 'name', 'message');
    },
    expect: { name: 'TypeError', message: 'mine' },
    // axios throws in an event listener there, which ends the process.
    axiosCannot: ['http', 'https', 'h2'],
  },
  {
    name: 'the text of a status is what the server says',
    only: h1,
    run: async ({ http, serve }) => {
      const path = serve((_, response) => void response.writeHead(200, 'Fine by me').end());
      return (await http.get(path)).statusText;
    },
    expect: 'Fine by me',
  },
];
