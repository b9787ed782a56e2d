/** Forms: FormData of the platform, of the form-data package, and made of objects. */
import type { AxiosRequestConfig } from 'axios';
import axios from 'axios';
import type { Case } from '../case.js';
import { echoed, partsOf } from '../outcomes.js';

/** The form-data package, which axios brings along. */
interface FormPackage extends NodeJS.ReadableStream {
  append(name: string, value: unknown, options?: object): void;
  getBoundary(): string;
  getLengthSync(): number;
  getHeaders(): Record<string, string>;
}
const FormPackage = axios.defaults.env?.FormData as unknown as new () => FormPackage;

const posted =
  (data: () => unknown, config: AxiosRequestConfig = {}): Case['run'] =>
  async ({ http }) =>
    partsOf(await echoed(http.post('/echo', data(), config)));

function specForm(): FormData {
  const form = new FormData();
  form.append('a', '1');
  form.append('file', new File(['content'], 'f.txt', { type: 'text/plain' }));
  return form;
}

function packageForm(): FormPackage {
  const form = new FormPackage();
  form.append('a', '1');
  form.append('file', Buffer.from('content'), { filename: 'f.txt' });
  return form;
}

const expectedParts = ['name="a"||1', 'name="file"; filename="f.txt"|Content-Type: text/plain||content'];

export const formData: readonly Case[] = [
  { name: 'FormData goes with its fields and files', run: posted(specForm), expect: expectedParts },
  {
    name: 'the length of FormData is told',
    run: async ({ http }) => {
      const { headers, body } = await echoed(http.post('/echo', specForm()));
      return Number(headers['content-length']) - Buffer.byteLength(body);
    },
    expect: 0,
  },
  {
    name: "the caller's boundary is used",
    run: async ({ http }) => {
      const headers = { 'Content-Type': 'multipart/form-data; boundary=my-own-boundary' };
      return (await echoed(http.post('/echo', specForm(), { headers }))).body.slice(0, 17);
    },
    expect: '--my-own-boundary',
  },
  {
    name: 'line breaks in a field become CRLF',
    run: posted(() => {
      const form = new FormData();
      form.append('text', 'a\nb\r\nc');
      return form;
    }),
    expect: ['name="text"||a|b|c'],
  },
  {
    name: 'quotes and line breaks in names are escaped',
    run: posted(() => {
      const form = new FormData();
      form.append('a"b\nc', new File(['x'], 'f"g', { type: 'text/plain' }));
      return form;
    }),
    expect: ['name="a%22b%0Ac"; filename="f%22g"|Content-Type: text/plain||x'],
  },
  {
    name: 'a Blob in a form without a type is bytes',
    run: posted(() => {
      const form = new FormData();
      form.append('b', new Blob(['x']));
      return form;
    }),
    expect: ['name="b"; filename="blob"|Content-Type: application/octet-stream||x'],
  },
  { name: 'the form-data package goes with its fields and files', run: posted(packageForm), expect: expectedParts },
  {
    name: 'the length of a form of the form-data package is asked for',
    run: async ({ http }) => {
      const form = packageForm();
      const length = String(form.getLengthSync());
      return (await echoed(http.post('/echo', form))).headers['content-length'] === length;
    },
    expect: true,
  },
  {
    name: 'headers of a form of the form-data package go along',
    run: async ({ http }) => {
      const form = packageForm();
      form.getHeaders = () => ({
        'content-type': `multipart/form-data; boundary=${form.getBoundary()}`,
        'x-form': '1',
      });
      return (await echoed(http.post('/echo', form))).headers['x-form'];
    },
    expect: '1',
  },
  {
    name: "formDataHeaderPolicy 'content-only' takes the content headers of such a form alone",
    run: async ({ http }) => {
      const form = packageForm();
      form.getHeaders = () => ({
        'content-type': `multipart/form-data; boundary=${form.getBoundary()}`,
        'x-form': '1',
      });
      const echo = await echoed(http.post('/echo', form, { formDataHeaderPolicy: 'content-only' } as object));
      return [echo.headers['x-form'], partsOf(echo).length];
    },
    expect: [undefined, 2],
  },
  {
    name: 'FormData is JSON where the type says so',
    run: async ({ http }) => {
      const form = new FormData();
      form.append('a[b]', '1');
      form.append('c', '2');
      const headers = { 'Content-Type': 'application/json' };
      return (await echoed(http.post('/echo', form, { headers }))).body;
    },
    expect: '{"a":{"b":"1"},"c":"2"}',
  },
];
