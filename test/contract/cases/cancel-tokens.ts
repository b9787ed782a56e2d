/** Cancel tokens. */
import axios from 'axios';
import { until } from '../../support/client.js';
import type { Case } from '../case.js';
import { hanging, refusal } from '../outcomes.js';

export const cancelTokens: readonly Case[] = [
  {
    name: 'a cancel token ends the call with its message',
    run: async (wire) => {
      const state = hanging(wire);
      const source = axios.CancelToken.source();
      const told = refusal(wire.http.get(state.path, { cancelToken: source.token }));
      await until(() => state.asked);
      source.cancel('enough');
      const error = await told;
      await until(() => state.left);
      return error;
    },
    expect: { code: 'ERR_CANCELED', message: 'enough' },
  },
  {
    name: 'a token cancelled before sends nothing',
    run: async (wire) => {
      const state = hanging(wire);
      const cancelToken = new axios.CancelToken((cancel) => cancel('before'));
      return [await refusal(wire.http.get(state.path, { cancelToken })), state.asked];
    },
    expect: [{ code: 'ERR_CANCELED', message: 'before' }, false],
  },
];
