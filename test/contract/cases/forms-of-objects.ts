/** Forms made of objects. */
import type { AxiosRequestConfig } from 'axios';
import { expect } from 'vitest';
import { type Case, once } from '../case.js';
import { echoed, partsOf, refusal } from '../outcomes.js';

const posted =
  (data: () => unknown, config: AxiosRequestConfig = {}): Case['run'] =>
  async ({ http }) =>
    partsOf(await echoed(http.post('/echo', data(), config)));

const multipart = { headers: { 'Content-Type': 'multipart/form-data' } };

export const formsOfObjects: readonly Case[] = [
  {
    name: 'an object goes as a form where the type is multipart',
    run: posted(() => ({ a: 1, b: ['x', 'y'], c: { d: 'z' } }), multipart),
    expect: ['name="a"||1', 'name="b[]"||x', 'name="b[]"||y', 'name="c[d]"||z'],
  },
  {
    name: 'postForm, putForm and patchForm make a form of an object',
    run: async ({ http }) => {
      const forms = [http.postForm, http.putForm, http.patchForm].map((send) => send('/echo', { a: 1 }));
      return (await Promise.all(forms)).map(({ data }) => [data.method, ...partsOf(data)]);
    },
    expect: ['POST', 'PUT', 'PATCH'].map((method) => [method, 'name="a"||1']),
  },
  {
    name: 'formSerializer numbers indexes and nests by dots',
    run: posted(() => ({ a: ['x'], b: { c: 1 } }), { ...multipart, formSerializer: { indexes: true, dots: true } }),
    expect: ['name="a.0"||x', 'name="b.c"||1'],
  },
  {
    name: 'a name that ends in {} holds JSON',
    run: posted(() => ({ 'a{}': { b: [1] } }), multipart),
    expect: ['name="a{}"||{"b":[1]}'],
  },
  {
    name: 'an object nested too deeply for a form is refused',
    only: once,
    run: async ({ http }) => {
      const deep = JSON.parse(`${'{"a":'.repeat(200)}1${'}'.repeat(200)}`);
      return refusal(http.postForm('/echo', deep));
    },
    expect: expect.objectContaining({ code: 'ERR_FORM_DATA_DEPTH_EXCEEDED' }),
  },
];
