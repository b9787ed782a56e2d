/** Headers of responses. */
import { AxiosHeaders } from 'axios';
import { type Case, h1 } from '../case.js';
import { sends } from '../server.js';

/** The header of this name that comes back. */
const cameBack =
  (name: string, value: string | string[]): Case['run'] =>
  async ({ http, serve }) =>
    (await http.get(serve(sends({ headers: { [name]: value } })))).headers[name];

export const responseHeaders: readonly Case[] = [
  { name: 'a header of an answer', run: cameBack('x-a', 'b'), expect: 'b' },
  { name: 'set-cookie is always a list', run: cameBack('set-cookie', 'a=1'), expect: ['a=1'] },
  { name: 'several set-cookie stay apart', run: cameBack('set-cookie', ['a=1', 'b=2']), expect: ['a=1', 'b=2'] },
  { name: 'other headers that come twice are joined', run: cameBack('x-a', ['b', 'c']), expect: 'b, c' },
  {
    name: 'of those that can only be one, the first counts',
    only: h1,
    run: cameBack('etag', ['"1"', '"2"']),
    expect: '"1"',
  },
  { name: 'Latin-1 comes back as it is', only: h1, run: cameBack('x-a', 'ü'), expect: 'ü' },
  { name: 'an empty header comes back', run: cameBack('x-a', ''), expect: '' },
  {
    name: 'headers of an answer are AxiosHeaders, whatever the case of the name',
    run: async ({ http, serve }) => {
      const { headers: got } = await http.get(serve(sends({ headers: { 'X-Mixed-Case': 'b' } })));
      return [got instanceof AxiosHeaders, (got as AxiosHeaders).get('X-MIXED-case'), got['x-mixed-case']];
    },
    expect: [true, 'b', 'b'],
  },
  {
    name: 'large headers come back',
    run: async (wire) => (await cameBack('x-a', 'a'.repeat(12_000))(wire)) === 'a'.repeat(12_000),
    expect: true,
  },
];
