/** Files that are broken, each with everything that is wrong with it: `line:column path message`. */
import { yaml } from './texts.js';

export interface Broken {
  /** Finishes the sentence "a file with …". */
  readonly with: string;
  readonly text: string;
  readonly faults: readonly string[];
  /** Says something else today, which is a fault of the package. */
}

/** What the references of the texts find; every other variable is not set. */
export const env = {
  HOST: 'api.test',
  EMPTY: '',
  MANY: '99',
  FEW: '3',
  WORD: 'many',
  BROKEN_URL: 'api test',
  TWO_LINES: 'one\ntwo',
};

export const yamlSyntax: readonly Broken[] = [
  {
    with: 'a tab before a key',
    text: yaml`
      clients:
      \ta: {}
    `,
    faults: ['2:1 tabs are not allowed as indentation; write spaces'],
  },
  {
    with: 'a key that is not indented as the others are',
    text: yaml`
      clients:
        a:
          baseURL: http://a.test
         retry: false
    `,
    faults: ['4:1 is indented differently from the keys around it'],
  },
  {
    with: 'a quote that is not closed',
    text: yaml`
      clients:
        a:
          baseURL: "http://a.test
        b: {}
    `,
    faults: ['5:1 missing closing "quote'],
  },
  {
    with: 'a bracket that is not closed',
    text: yaml`
      clients:
        a: { retry: { on: [reset }
    `,
    faults: [
      '2:28 flow sequence in block collection must be sufficiently indented and end with a ]',
      '2:29 flow map in block collection must be sufficiently indented and end with a }',
    ],
  },
  {
    with: 'a brace that is closed twice',
    text: yaml`
      clients:
        a: { retry: false }}
    `,
    faults: ['2:22 unexpected flow-map-end token in YAML stream: "}"'],
  },
  {
    with: 'a key without its colon',
    text: yaml`
      clients:
        a:
          baseURL http://a.test
          retry: false
    `,
    faults: ['3:5 a key needs a colon and a space after it'],
  },
  {
    with: 'a colon without the space after it',
    text: yaml`
      clients:
        a:
          allowH2:true
    `,
    faults: ['3:5 clients.a expected an object; a colon needs a space after it'],
  },
  {
    with: 'a colon inside a plain value',
    text: yaml`
      clients:
        a:
          headers: { x-note: a: b }
    `,
    faults: ['3:24 a comma is missing before it, or a value that holds a colon and a space needs quotes'],
  },
  {
    with: 'a key that is given twice',
    text: yaml`
      clients:
        a:
          retry: false
          allowH2: true
          retry: { maxRetries: 1 }
    `,
    faults: ['5:5 clients.a.retry is given twice'],
  },
  {
    with: 'a client that is given twice',
    text: yaml`
      clients:
        a: { retry: false }
        b: {}
        a: {}
    `,
    faults: ['4:3 clients.a is given twice'],
  },
  {
    with: 'an alias of an anchor that is not there',
    text: yaml`
      x-common: &common { retry: false }
      clients:
        a: *comon
    `,
    faults: ['3:6 clients.a there is no anchor &comon before this alias'],
  },
  {
    with: 'an alias before its anchor',
    text: yaml`
      clients:
        a: *common
      x-common: &common { retry: false }
    `,
    faults: ['2:6 clients.a there is no anchor &common before this alias'],
  },
  {
    with: 'an alias of what it stands in',
    text: yaml`
      clients: &all
        a: *all
    `,
    faults: ['2:6 clients.a there is no anchor &all before this alias'],
  },
  {
    with: 'a merge key, which YAML 1.2 has not',
    text: yaml`
      x-common: &common { allowH2: true }
      clients:
        a:
          <<: *common
          retry: false
    `,
    faults: [
      '4:5 clients.a.<< unknown option: YAML 1.2 has no merge keys; put options that several clients share under defaults',
    ],
  },
  {
    with: 'several documents',
    text: yaml`
      clients:
        a: {}
      ---
      clients:
        b: {}
    `,
    faults: ['3:1 the file holds more than one YAML document'],
  },
  {
    with: 'a tag that YAML does not know',
    text: yaml`
      clients:
        a:
          baseURL: !env HOST
    `,
    faults: ['3:14 unresolved tag: !env'],
  },
  {
    with: 'a tag that a value does not fit',
    text: yaml`
      clients:
        a:
          maxRedirects: !!int many
    `,
    faults: ['3:19 unresolved tag: tag:yaml.org,2002:int'],
  },
  {
    with: 'the key __proto__',
    text: yaml`
      clients:
        a:
          __proto__: { allowH2: true }
    `,
    faults: ['3:5 clients.a "__proto__" is not allowed as a key'],
  },
  {
    with: 'a client called __proto__',
    text: yaml`
      clients:
        __proto__: { allowH2: true }
    `,
    faults: ['2:3 clients "__proto__" is not allowed as a key'],
  },
  {
    with: 'a list as a key',
    text: yaml`
      clients:
        ? [a, b]
        : {}
    `,
    faults: ['2:5 clients a key must be a plain word'],
  },
  {
    with: 'a marker of a merge conflict',
    text: yaml`
      clients:
      <<<<<<< HEAD
        a: { retry: false }
      =======
        a: {}
      >>>>>>> main
    `,
    faults: [
      '2:1 is a marker left from a merge conflict; remove it',
      '4:1 is a marker left from a merge conflict; remove it',
      '6:1 is a marker left from a merge conflict; remove it',
      '6:2 block scalar header includes extra characters: >>>>>>>',
      '6:9 not a YAML token: main',
    ],
  },
  {
    with: 'a Helm expression that was not rendered',
    text: yaml`
      clients:
        a:
          baseURL: {{ .Values.url }}
    `,
    faults: ['3:15 clients.a.baseURL a key must be a plain word'],
  },
  {
    with: 'a reserved sign at the beginning of a value',
    text: yaml`
      clients:
        a:
          headers: { x-share: @all }
    `,
    faults: ['3:25 plain value cannot start with reserved character @'],
  },
];

export const jsonSyntax: readonly Broken[] = [
  {
    with: 'JSON and a brace that is not closed',
    text: yaml`
      {
        "clients": {
          "a": {}
        }
    `,
    faults: ['5:1 flow map must end with a }'],
  },
  {
    with: 'JSON and a comma that is missing',
    text: yaml`
      {
        "clients": {
          "a": { "retry": false }
          "b": {}
        }
      }
    `,
    faults: ['4:5 missing , between flow map items'],
  },
  {
    with: 'JSON and a key that is given twice',
    text: yaml`
      {
        "clients": { "a": { "allowH2": true, "allowH2": false } }
      }
    `,
    faults: ['2:40 clients.a.allowH2 is given twice'],
  },
  {
    with: 'JSON and a comment of another language',
    text: yaml`
      {
        // the upstreams
        "clients": { "a": {} }
      }
    `,
    faults: [
      '1:1 clients expected at least one client, by name',
      '2:3 // the upstreams "clients" unknown option (known: defaults, clients, $schema)',
    ],
  },
  {
    with: 'JSON, tabs and an option that does not exist',
    text: '{\n\t"clients": {\n\t\t"a": {\n\t\t\t"retires": 3\n\t\t}\n\t}\n}\n',
    faults: ['4:4 clients.a.retires unknown option, did you mean "retry"?'],
  },
  {
    with: 'JSON and an option of the wrong type',
    text: '{"clients": {"a": {"allowH2": "yes"}}}',
    faults: ['1:31 clients.a.allowH2 expected true or false or "prior-knowledge"; write true'],
  },
];

/** Laughs nine times at each level. */
function laughter(clients = 'clients: { a: {} }'): string {
  const levels = Array.from({ length: 8 }, (_, level) => {
    const inner = level === 0 ? 'ha' : `*l${level - 1}`;
    return `x-${level}: &l${level} [${Array.from({ length: 9 }, () => inner).join(', ')}]\n`;
  });
  return `${levels.join('')}${clients}\n`;
}

export const tooMuch: readonly Broken[] = [
  {
    with: 'more characters than any honest one',
    text: `clients: { a: {} } # ${'x'.repeat(65_536)}\n`,
    faults: ['1:1 is longer than 65536 characters'],
  },
  {
    with: 'more signs than any honest one',
    text: `clients: { a: {} }\nx-list: [${'0,'.repeat(16_400)}]\n`,
    faults: ['2:32761 has more than 16384 lines, commas, colons, quotes and brackets'],
  },
  {
    with: 'brackets in brackets without end',
    text: `clients: { a: {} }\nx-deep: ${'['.repeat(200)}${']'.repeat(200)}\n`,
    faults: ['2:137 opens too many brackets'],
  },
  {
    with: 'lists in lists, deeper than any option',
    text: `clients: { a: {} }\nx-deep: ${'['.repeat(70)}${']'.repeat(70)}\n`,
    faults: [
      '2:73 x-deep.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 is nested deeper than 64 levels',
    ],
  },
  {
    with: 'aliases that multiply',
    text: laughter(),
    faults: ['5:16 x-4.1 has more than 20000 values, including those of aliases'],
  },
  {
    with: 'aliases that multiply between two clients, the second of which must not be taken for an empty one',
    text: `${laughter('clients: { a: { baseURL: http://a.test }, b: *l7, c: { baseURL: http://c.test } }')}`,
    faults: ['5:16 x-4.1 has more than 20000 values, including those of aliases'],
  },
];

export const shape: readonly Broken[] = [
  { with: 'nothing in it', text: '', faults: ['1:1 expected an object with `clients`: a map of clients by name'] },
  {
    with: 'nothing but a comment',
    text: '# clients\n',
    faults: ['1:1 expected an object with `clients`: a map of clients by name'],
  },
  {
    with: 'nothing but a word',
    text: 'clients\n',
    faults: ['1:1 expected an object with `clients`: a map of clients by name'],
  },
  {
    with: 'nothing but a number',
    text: '42\n',
    faults: ['1:1 expected an object with `clients`: a map of clients by name'],
  },
  {
    with: 'a list',
    text: '- clients:\n    a: {}\n',
    faults: ['1:1 expected an object with `clients`: a map of clients by name'],
  },
  {
    with: 'defaults only',
    text: 'defaults: { retry: false }\n',
    faults: ['1:1 clients expected at least one client, by name'],
  },
  { with: 'clients that are null', text: 'clients:\n', faults: ['1:9 clients expected at least one client, by name'] },
  { with: 'no client', text: 'clients: {}\n', faults: ['1:1 clients expected at least one client, by name'] },
  {
    with: 'clients as a list',
    text: yaml`
      clients:
        - name: a
          baseURL: http://a.test
    `,
    faults: [
      '1:1 clients expected clients by name, not a list; write `billing:` and its options indented under it in place of `- name: billing`',
    ],
  },
  {
    with: 'a client that is a word',
    text: yaml`
      clients:
        a: http://a.test
    `,
    faults: ['2:6 clients.a expected an object; write its baseURL under it'],
  },
  {
    with: 'a client that is a list',
    text: yaml`
      clients:
        a:
          - baseURL: http://a.test
    `,
    faults: ['2:3 clients.a expected an object; write its options without dashes'],
  },
  {
    with: 'a client that is false',
    text: yaml`
      clients:
        a: false
    `,
    faults: ['2:6 clients.a expected an object'],
  },
  {
    with: 'defaults that are a list',
    text: yaml`
      defaults: [retry]
      clients: { a: {} }
    `,
    faults: ['1:1 defaults expected an object; write its options without dashes'],
  },
  {
    with: 'defaults that are null',
    text: yaml`
      defaults:
      clients: { a: {} }
    `,
    faults: ['1:10 defaults expected an object; it is empty: indent its options under it, or leave it out'],
  },
  {
    with: 'a name with a space',
    text: yaml`
      clients:
        a b: {}
    `,
    faults: ['2:3 clients.a b the name of a client may only have letters, digits and . _ - / (at most 100 characters)'],
  },
  {
    with: 'an empty name',
    text: yaml`
      clients:
        "": {}
    `,
    faults: ['2:3 clients. the name of a client may only have letters, digits and . _ - / (at most 100 characters)'],
  },
  {
    with: 'a name of 101 letters',
    text: `clients:\n  ${'n'.repeat(101)}: {}\n`,
    faults: [
      '2:3 clients.nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn… the name of a client may only have letters, digits and . _ - / (at most 100 characters)',
    ],
  },
  {
    with: 'a name inside a client',
    text: yaml`
      clients:
        a:
          name: users
          retry: false
    `,
    faults: ['3:11 clients.a.name a client is named by its key; remove this'],
  },
  {
    with: 'a name inside the defaults',
    text: yaml`
      defaults: { name: all }
      clients: { a: {}, b: {} }
    `,
    faults: ['1:19 defaults.name a client is named by its key; remove this'],
  },
];

export const unknownKeys: readonly Broken[] = [
  {
    with: 'an unknown key at its top, near a known one',
    text: yaml`
      client: {}
      clients: { a: {} }
    `,
    faults: ['1:1 client unknown option, did you mean "clients"?'],
  },
  {
    with: 'an unknown key at its top, far from any',
    text: yaml`
      version: 2
      clients: { a: {} }
    `,
    faults: ['1:1 version unknown option (known: defaults, clients, $schema)'],
  },
  {
    with: 'the options of one client at its top',
    text: yaml`
      baseURL: http://a.test
      retry: { maxRetries: 1 }
    `,
    faults: [
      '1:1 baseURL unknown option here: it belongs under defaults, or under one of clients',
      '1:1 clients expected at least one client, by name',
      '2:1 retry unknown option here: it belongs under defaults, or under one of clients',
    ],
  },
  {
    with: 'an option in the wrong case',
    text: yaml`
      clients:
        a: { baseUrl: http://a.test }
    `,
    faults: ['2:8 clients.a.baseUrl unknown option, did you mean "baseURL"?'],
  },
  {
    with: 'an option far from any',
    text: yaml`
      clients:
        a: { keepalive: true }
    `,
    faults: ['2:8 clients.a.keepalive unknown option, did you mean "connections.keepAliveTimeout"?'],
  },
  {
    with: 'a key near "name", which no client may have',
    text: yaml`
      clients:
        a: { nane: users }
    `,
    faults: [
      '2:8 clients.a.nane unknown option (known: baseURL, headers, allowAbsoluteUrls, maxRedirects, proxy, allowH2, envoyHeaders, timeouts, retry, circuitBreaker, limits, connections, maxContentLength, tracing, logging, tls, endpoints, balance, outlierDetection, healthCheck, routes, split, pathRewrite, requestHeaders, mirror, hedging, rateLimit, adaptiveConcurrency, deadlineHeader, fault)',
    ],
  },
  {
    with: 'a place for anchors inside a client',
    text: yaml`
      clients:
        a: { x-note: { retry: false } }
    `,
    faults: [
      '2:8 clients.a.x-note unknown option (known: baseURL, headers, allowAbsoluteUrls, maxRedirects, proxy, allowH2, envoyHeaders, timeouts, retry, circuitBreaker, limits, connections, maxContentLength, tracing, logging, tls, endpoints, balance, outlierDetection, healthCheck, routes, split, pathRewrite, requestHeaders, mirror, hedging, rateLimit, adaptiveConcurrency, deadlineHeader, fault)',
    ],
  },
  {
    with: 'an option of axios',
    text: yaml`
      clients:
        a: { timeout: 1000 }
    `,
    faults: ['2:8 clients.a.timeout unknown option, did you mean "timeouts.total"?'],
  },
  {
    with: 'unknown keys in every section, near known ones',
    text: yaml`
      clients:
        a:
          timeouts: { totl: 1s }
          retry: { maxRetry: 1, backoff: { bass: 1s }, budget: { ration: 1 } }
          circuitBreaker: { treshold: 5, resetTimout: 1s }
          limits: { maxRequest: 5 }
          tracing: { propagate: true }
          logging: { sampleRate: 1 }
          tls: { cart: x, reload: { intervall: 1s } }
          endpoints: { dns: { adress: a.test:80, refesh: ttl } }
          balance: { stratgy: random }
          outlierDetection: { intervall: 1s, successRate: { stddevFactor: 1 } }
          healthCheck: { path: /, intervall: 1s }
          split: [{ mach: {}, targets: [{ name: b, baseURL: http://b.test, weigth: 1 }] }]
          mirror: [{ baseURL: http://c.test, fration: 1 }]
          fault: { delays: {}, abort: { status: 503, fraction: 1, stat: 1 } }
    `,
    faults: [
      '3:17 clients.a.timeouts.totl unknown option, did you mean "total"?',
      '4:14 clients.a.retry.maxRetry unknown option, did you mean "maxRetries"?',
      '4:38 clients.a.retry.backoff.bass unknown option, did you mean "base"?',
      '4:60 clients.a.retry.budget.ration unknown option, did you mean "ratio"?',
      '5:23 clients.a.circuitBreaker.treshold unknown option (known: errorThresholdPercentage, volumeThreshold, rollingWindow, resetTimeout, trials)',
      '5:36 clients.a.circuitBreaker.resetTimout unknown option, did you mean "resetTimeout"?',
      '6:15 clients.a.limits.maxRequest unknown option, did you mean "maxRequests"?',
      '7:16 clients.a.tracing.propagate unknown option, did you mean "propagation"?',
      '8:16 clients.a.logging.sampleRate unknown option, did you mean "successSampleRate"?',
      '9:12 clients.a.tls.cart unknown option, did you mean "cert"?',
      '9:31 clients.a.tls.reload.intervall unknown option, did you mean "interval"?',
      '10:5 clients.a.endpoints needs a baseURL: it names the server that the endpoints are',
      '10:18 clients.a.endpoints.dns give exactly one of address and names',
      '10:25 clients.a.endpoints.dns.adress unknown option, did you mean "address"?',
      '10:44 clients.a.endpoints.dns.refesh unknown option, did you mean "refresh"?',
      '11:16 clients.a.balance.stratgy unknown option, did you mean "strategy"?',
      '12:25 clients.a.outlierDetection.intervall unknown option, did you mean "interval"?',
      '12:55 clients.a.outlierDetection.successRate.stddevFactor unknown option, did you mean "stdevFactor"?',
      '13:29 clients.a.healthCheck.intervall unknown option, did you mean "interval"?',
      '14:15 clients.a.split.0.mach unknown option, did you mean "match"?',
      '14:35 clients.a.split.0.targets.0.weight is missing: expected a whole number from 0 to 4294967295',
      '14:70 clients.a.split.0.targets.0.weigth unknown option, did you mean "weight"?',
      '15:40 clients.a.mirror.0.fration unknown option, did you mean "fraction"?',
      '16:14 clients.a.fault.delays unknown option, did you mean "delay"?',
      '16:61 clients.a.fault.abort.stat unknown option, did you mean "status"?',
    ],
  },
  {
    with: 'unknown keys in every section, far from any',
    text: yaml`
      clients:
        a:
          timeouts: { zzzzzzzz: 1 }
          retry: { zzzzzzzz: 1, backoff: { zzzzzzzz: 1 }, budget: { zzzzzzzz: 1 } }
          circuitBreaker: { zzzzzzzz: 1 }
          limits: { zzzzzzzz: 1 }
          tracing: { zzzzzzzz: 1 }
          logging: { zzzzzzzz: 1 }
          tls: { zzzzzzzz: 1, reload: { zzzzzzzz: 1 } }
          endpoints: { srv: { name: a.test, zzzzzzzz: 1 } }
          balance: { zzzzzzzz: 1 }
          outlierDetection: { zzzzzzzz: 1 }
          healthCheck: { path: /, zzzzzzzz: 1 }
          split: [{ match: { path: { exact: /, zzzzzzzz: 1 } }, targets: [{ name: b, baseURL: http://b.test, weight: 1, zzzzzzzz: 1 }] }]
          mirror: [{ baseURL: http://c.test, zzzzzzzz: 1 }]
          fault: { zzzzzzzz: 1 }
    `,
    faults: [
      '3:17 clients.a.timeouts.zzzzzzzz unknown option (known: total, attempt, connect, idle)',
      '4:14 clients.a.retry.zzzzzzzz unknown option (known: maxRetries, on, backoff, maxConcurrentRetries, budget)',
      '4:38 clients.a.retry.backoff.zzzzzzzz unknown option (known: base, max)',
      '4:63 clients.a.retry.budget.zzzzzzzz unknown option (known: ratio, minPerSecond)',
      '5:23 clients.a.circuitBreaker.zzzzzzzz unknown option (known: errorThresholdPercentage, volumeThreshold, rollingWindow, resetTimeout, trials)',
      '6:15 clients.a.limits.zzzzzzzz unknown option (known: maxRequests, maxPendingRequests, per)',
      '7:16 clients.a.tracing.zzzzzzzz unknown option (known: propagation, requestIdHeader, attemptCountHeader)',
      '8:16 clients.a.logging.zzzzzzzz unknown option (known: profile, level, successSampleRate, failureSampleRate, gcpProject)',
      '9:12 clients.a.tls.zzzzzzzz unknown option (known: cert, key, passphrase, pfx, ca, reload, serverName, minVersion, subjectAltNames, pins, rejectUnauthorized)',
      '9:35 clients.a.tls.reload.zzzzzzzz unknown option (known: interval, drainTimeout)',
      '10:5 clients.a.endpoints needs a baseURL: it names the server that the endpoints are',
      '10:39 clients.a.endpoints.srv.zzzzzzzz unknown option (known: name, refresh, servers)',
      '11:16 clients.a.balance.zzzzzzzz unknown option (known: strategy, hashHeader, hashOn, slowStart, zone, panicThresholdPercent, overprovisioningFactor)',
      '12:25 clients.a.outlierDetection.zzzzzzzz unknown option (known: consecutiveFailures, consecutiveGatewayFailures, interval, baseEjectionTime, maxEjectionTime, maxEjectionPercent, alwaysEjectOneHost, successRate, failurePercentage)',
      '13:29 clients.a.healthCheck.zzzzzzzz unknown option (known: path, method, headers, port, interval, timeout, unhealthyThreshold, healthyThreshold, expectedStatuses, retriableStatuses, endsEjection)',
      '14:42 clients.a.split.0.match.path.zzzzzzzz unknown option (known: prefix, exact, regex)',
      '14:115 clients.a.split.0.targets.0.zzzzzzzz unknown option (known: name, baseURL, weight, headers, removeHeaders)',
      '15:40 clients.a.mirror.0.zzzzzzzz unknown option (known: baseURL, fraction, match, hostSuffix, unsafeMethods, keepCredentials, headers, removeHeaders, timeout, maxConcurrent)',
      '16:14 clients.a.fault.zzzzzzzz unknown option (known: delay, abort, reset, truncate, match, seed, allowInProduction)',
    ],
  },
];

export const types: readonly Broken[] = [
  {
    with: 'the wrong type for each plain option',
    text: yaml`
      clients:
        a:
          baseURL: 8080
          headers: [accept]
          allowAbsoluteUrls: "yes"
          maxRedirects: "5"
          proxy: true
          allowH2: 1
    `,
    faults: [
      '3:14 clients.a.baseURL expected text; put it in quotes',
      '4:5 clients.a.headers expected an object of names and values; write names and values, without dashes',
      '5:24 clients.a.allowAbsoluteUrls expected true or false; write true',
      '6:19 clients.a.maxRedirects expected a whole number from 0 to 50; write 5 without quotes',
      '7:12 clients.a.proxy expected "env" or false; did you mean "env"?',
      '8:14 clients.a.allowH2 expected true or false or "prior-knowledge"; write true',
    ],
  },
  {
    with: 'yes and no, which YAML 1.2 takes for words',
    text: yaml`
      clients:
        a:
          allowH2: yes
          retry: no
    `,
    faults: [
      '3:14 clients.a.allowH2 expected true or false or "prior-knowledge"; write true',
      '4:12 clients.a.retry expected an object or false; write false',
    ],
  },
  {
    with: 'true for every section',
    text: yaml`
      clients:
        a:
          timeouts: true
          retry: true
          circuitBreaker: true
          limits: true
          tracing: true
          logging: true
          tls: true
          endpoints: true
          balance: true
          outlierDetection: true
          healthCheck: true
          split: true
          mirror: true
          fault: true
    `,
    faults: [
      '3:15 clients.a.timeouts expected an object or false; it is on with its defaults: leave it out, or give options',
      '4:12 clients.a.retry expected an object or false; it is on with its defaults: leave it out, or give options',
      '5:21 clients.a.circuitBreaker expected an object or false; it is on with its defaults: leave it out, or give options',
      '6:13 clients.a.limits expected an object or false; it is on with its defaults: leave it out, or give options',
      '7:14 clients.a.tracing expected an object or false; it is on with its defaults: leave it out, or give options',
      '8:14 clients.a.logging expected an object or false; it is on with its defaults: leave it out, or give options',
      '9:10 clients.a.tls expected an object; write {} for its defaults',
      '10:16 clients.a.endpoints expected an object; give its options',
      '10:16 clients.a.endpoints needs a baseURL: it names the server that the endpoints are',
      '11:14 clients.a.balance expected an object; write {} for its defaults',
      '12:23 clients.a.outlierDetection expected an object; write {} for its defaults',
      '13:18 clients.a.healthCheck expected an object; give its options, at least path',
      '14:12 clients.a.split expected a list; begin each entry with a dash, followed by its options',
      '15:13 clients.a.mirror expected a list; begin each entry with a dash, followed by its options',
      '16:12 clients.a.fault expected an object; write {} for its defaults',
    ],
  },
  {
    with: 'a section without its contents',
    text: yaml`
      clients:
        a:
          timeouts:
          retry:
          tls:
    `,
    faults: [
      '3:14 clients.a.timeouts expected an object or false; it is empty: indent its options under it, or leave it out',
      '4:11 clients.a.retry expected an object or false; it is empty: indent its options under it, or leave it out',
      '5:9 clients.a.tls expected an object; it is empty: indent its options under it, or leave it out',
    ],
  },
  {
    with: 'options without their values',
    text: yaml`
      clients:
        a:
          baseURL:
          maxRedirects: null
          headers: ~
          timeouts: { total: }
          retry: { on: , backoff: null }
    `,
    faults: [
      '3:13 clients.a.baseURL expected text; it has no value here: give it one, or leave it out',
      '4:19 clients.a.maxRedirects expected a whole number from 0 to 50; it has no value here: give it one, or leave it out',
      '5:14 clients.a.headers expected an object of names and values; it has no value here: give it one, or leave it out',
      '6:24 clients.a.timeouts.total expected milliseconds or a string such as "250ms" or "1.5s"; it has no value here: give it one, or leave it out',
      '7:18 clients.a.retry.on expected a list; it has no value here: give it one, or leave it out',
      '7:29 clients.a.retry.backoff expected an object; it is empty: indent its options under it, or leave it out',
    ],
  },
  {
    with: 'a number where a section is expected',
    text: yaml`
      clients:
        a:
          retry: 3
          timeouts: 5s
          circuitBreaker: { errorThresholdPercentage: 50% }
    `,
    faults: [
      '3:12 clients.a.retry expected an object or false; did you mean its option maxRetries?',
      '4:15 clients.a.timeouts expected an object or false; did you mean its option total?',
      '5:49 clients.a.circuitBreaker.errorThresholdPercentage expected a number from 1 to 100; write 50',
    ],
  },
  {
    with: 'words that are none of those known',
    text: yaml`
      clients:
        a:
          proxy: http://proxy.test
          retry: { on: [5xx, timeout, 200] }
          logging: { profile: json }
          tls: { minVersion: TLSv1.1 }
          balance: { strategy: least-conn }
    `,
    faults: [
      '3:12 clients.a.proxy expected "env" or false',
      '4:24 clients.a.retry.on.1 expected one of "5xx", "gateway-error", "reset", "connect-failure", "refused-stream", "retriable-4xx", "rate-limited" or a whole number from 400 to 599; did you mean "reset"?',
      '4:33 clients.a.retry.on.2 Too small: expected number to be >=400',
      '5:25 clients.a.logging.profile expected one of "otel", "ecs", "datadog", "gcp"',
      '6:24 clients.a.tls.minVersion expected one of "TLSv1.2", "TLSv1.3"; did you mean "TLSv1.2"?',
      '7:26 clients.a.balance.strategy expected one of "least-pending", "round-robin", "random", "hash"; did you mean "least-pending"?',
    ],
  },
  {
    with: 'one word where a list is expected',
    text: yaml`
      clients:
        a:
          retry: { on: reset }
          tls: { pins: AAAA, subjectAltNames: a.test }
    `,
    faults: [
      '3:18 clients.a.retry.on expected a list; write [reset]',
      '4:18 clients.a.tls.pins expected a list; put it in brackets: [ ]',
      '4:41 clients.a.tls.subjectAltNames expected a list; put it in brackets: [ ]',
    ],
  },
  {
    with: 'options that a section needs',
    text: yaml`
      clients:
        a:
          endpoints: { static: [{ zone: eu }] }
          healthCheck: {}
          split: [{ targets: [{}] }]
          mirror: [{}]
          fault: { delay: {}, abort: {} }
    `,
    faults: [
      '3:5 clients.a.endpoints needs a baseURL: it names the server that the endpoints are',
      '3:27 clients.a.endpoints.static.0.address is missing: expected text',
      '4:5 clients.a.healthCheck.path is missing: expected text',
      '5:25 clients.a.split.0.targets.0.name is missing: expected text',
      '5:25 clients.a.split.0.targets.0.baseURL is missing: expected text',
      '5:25 clients.a.split.0.targets.0.weight is missing: expected a whole number from 0 to 4294967295',
      '6:14 clients.a.mirror.0.baseURL is missing: expected text',
      '7:14 clients.a.fault.delay.duration is missing: expected milliseconds or a string such as "250ms" or "1.5s"',
      '7:25 clients.a.fault.abort.status is missing: expected a whole number from 200 to 599',
    ],
  },
];

export const ranges: readonly Broken[] = [
  {
    with: 'numbers that are too small',
    text: yaml`
      clients:
        a:
          maxRedirects: -1
          retry: { maxRetries: -1, on: [399], budget: { ratio: -0.1, minPerSecond: -1 }, maxConcurrentRetries: -1 }
          circuitBreaker: { errorThresholdPercentage: 0, volumeThreshold: 0 }
          limits: { maxRequests: 0, maxPendingRequests: -1 }
          connections: { maxConnections: 0, maxOrigins: 0 }
          maxContentLength: -2
          logging: { successSampleRate: -0.5 }
    `,
    faults: [
      '3:19 clients.a.maxRedirects Too small: expected number to be >=0',
      '4:26 clients.a.retry.maxRetries Too small: expected number to be >=0',
      '4:35 clients.a.retry.on.0 Too small: expected number to be >=400',
      '4:58 clients.a.retry.budget.ratio Too small: expected number to be >=0',
      '4:78 clients.a.retry.budget.minPerSecond Too small: expected number to be >=0',
      '4:106 clients.a.retry.maxConcurrentRetries Too small: expected number to be >=0',
      '5:49 clients.a.circuitBreaker.errorThresholdPercentage Too small: expected number to be >=1',
      '5:69 clients.a.circuitBreaker.volumeThreshold Too small: expected number to be >=1',
      '6:28 clients.a.limits.maxRequests Too small: expected number to be >=1',
      '6:51 clients.a.limits.maxPendingRequests Too small: expected number to be >=0',
      '7:36 clients.a.connections.maxConnections Too small: expected number to be >=1',
      '7:51 clients.a.connections.maxOrigins Too small: expected number to be >=1',
      '8:23 clients.a.maxContentLength Too small: expected number to be >=-1',
      '9:35 clients.a.logging.successSampleRate Too small: expected number to be >=0',
    ],
  },
  {
    with: 'numbers that are too large',
    text: yaml`
      clients:
        a:
          maxRedirects: 51
          retry: { maxRetries: 11, on: [600], budget: { ratio: 11, minPerSecond: 10001 }, maxConcurrentRetries: 1000001 }
          circuitBreaker: { errorThresholdPercentage: 101, volumeThreshold: 1000001 }
          limits: { maxRequests: 1000001, maxPendingRequests: 1000001 }
          connections: { maxConnections: 65536, maxOrigins: 1000001 }
          logging: { successSampleRate: 10 }
    `,
    faults: [
      '3:19 clients.a.maxRedirects Too big: expected number to be <=50',
      '4:26 clients.a.retry.maxRetries Too big: expected number to be <=10',
      '4:35 clients.a.retry.on.0 Too big: expected number to be <=599',
      '4:58 clients.a.retry.budget.ratio Too big: expected number to be <=10',
      '4:76 clients.a.retry.budget.minPerSecond Too big: expected number to be <=10000',
      '4:107 clients.a.retry.maxConcurrentRetries Too big: expected number to be <=1000000',
      '5:49 clients.a.circuitBreaker.errorThresholdPercentage Too big: expected number to be <=100',
      '5:71 clients.a.circuitBreaker.volumeThreshold Too big: expected number to be <=1000000',
      '6:28 clients.a.limits.maxRequests Too big: expected number to be <=1000000',
      '6:57 clients.a.limits.maxPendingRequests Too big: expected number to be <=1000000',
      '7:36 clients.a.connections.maxConnections Too big: expected number to be <=65535',
      '7:55 clients.a.connections.maxOrigins Too big: expected number to be <=1000000',
      '8:35 clients.a.logging.successSampleRate Too big: expected number to be <=1; write 0.1',
    ],
  },
  {
    with: 'fractions where whole numbers are expected',
    text: yaml`
      clients:
        a:
          maxRedirects: 1.5
          retry: { maxRetries: 0.5, on: [500.5] }
          limits: { maxRequests: 2.5 }
    `,
    faults: [
      '3:19 clients.a.maxRedirects expected a whole number from 0 to 50',
      '4:26 clients.a.retry.maxRetries expected a whole number from 0 to 10',
      '4:36 clients.a.retry.on.0 expected one of "5xx", "gateway-error", "reset", "connect-failure", "refused-stream", "retriable-4xx", "rate-limited" or a whole number from 400 to 599',
      '5:28 clients.a.limits.maxRequests expected a whole number from 1 to 1000000',
    ],
  },
  {
    with: 'numbers that are none',
    text: yaml`
      clients:
        a:
          maxRedirects: .nan
          retry: { maxRetries: .inf }
          timeouts: { total: .inf }
    `,
    faults: [
      '3:19 clients.a.maxRedirects expected a whole number from 0 to 50',
      '4:26 clients.a.retry.maxRetries expected a whole number from 0 to 10',
      '5:24 clients.a.timeouts.total expected milliseconds or a string such as "250ms" or "1.5s"',
    ],
  },
  {
    with: 'durations out of range',
    text: yaml`
      clients:
        a:
          timeouts: { total: 25h, attempt: 0, connect: 0.5ms }
          retry: { backoff: { base: 0s, max: 86400001 } }
          circuitBreaker: { rollingWindow: 99ms, resetTimeout: 0 }
          connections: { maxConnectionAge: 999ms, keepAliveTimeout: 0 }
    `,
    faults: [
      '3:24 clients.a.timeouts.total must be between 1ms and 24h',
      '3:38 clients.a.timeouts.attempt must be between 1ms and 24h',
      '3:50 clients.a.timeouts.connect must be between 1ms and 24h',
      '4:31 clients.a.retry.backoff.base must be between 1ms and 24h',
      '4:40 clients.a.retry.backoff.max must be between 1ms and 24h',
      '5:38 clients.a.circuitBreaker.rollingWindow must be between 100ms and 24h',
      '5:58 clients.a.circuitBreaker.resetTimeout must be between 1ms and 24h',
      '6:38 clients.a.connections.maxConnectionAge must be between 1000ms and 24h',
      '6:63 clients.a.connections.keepAliveTimeout must be between 1ms and 24h',
    ],
  },
  {
    with: 'durations that are none',
    text: yaml`
      clients:
        a:
          timeouts: { total: 5sec, attempt: 1m30s, connect: soon }
          retry: { backoff: { base: -1s, max: "5" } }
          circuitBreaker: { rollingWindow: 1d, resetTimeout: true }
          connections: { maxConnectionAge: 10M, keepAliveTimeout: [4s] }
    `,
    faults: [
      '3:24 clients.a.timeouts.total expected milliseconds or a string such as "250ms" or "1.5s"; write "5s"',
      '3:39 clients.a.timeouts.attempt expected milliseconds or a string such as "250ms" or "1.5s"; write "90s"',
      '3:55 clients.a.timeouts.connect expected milliseconds or a string such as "250ms" or "1.5s"',
      '4:31 clients.a.retry.backoff.base must be between 1ms and 24h',
      '4:41 clients.a.retry.backoff.max expected milliseconds or a string such as "250ms" or "1.5s"; write "5ms" or "5s"',
      '5:38 clients.a.circuitBreaker.rollingWindow expected milliseconds or a string such as "250ms" or "1.5s"; write "24h"',
      '5:56 clients.a.circuitBreaker.resetTimeout expected milliseconds or a string such as "250ms" or "1.5s"; leave it out for its default',
      '6:38 clients.a.connections.maxConnectionAge expected milliseconds or a string such as "250ms" or "1.5s"; write "10m"',
      '6:43 clients.a.connections.keepAliveTimeout expected milliseconds or a string such as "250ms" or "1.5s"; it takes one value, not a list',
    ],
  },
  {
    with: 'traffic options out of range',
    text: yaml`
      clients:
        a:
          endpoints: { static: [{ address: a.test, weight: 0 }, { address: "a.test:port" }] }
          outlierDetection: { consecutiveFailures: 0, maxEjectionPercent: 101, interval: 99 }
          healthCheck: { path: healthz, expectedStatuses: [99, 600], healthyThreshold: 0 }
          split: [{ match: { methods: [], path: { regex: "(" } }, targets: [] }]
          mirror: [{ baseURL: /shadow, fraction: 2 }]
          fault: { delay: { duration: 0, fraction: 1.5 }, abort: { status: 199, fraction: -1 } }
    `,
    faults: [
      '3:5 clients.a.endpoints needs a baseURL: it names the server that the endpoints are',
      '3:38 clients.a.endpoints.static.0.address expected host:port',
      '3:54 clients.a.endpoints.static.0.weight Too small: expected number to be >=1',
      '3:70 clients.a.endpoints.static.1.address expected host:port',
      '4:46 clients.a.outlierDetection.consecutiveFailures Too small: expected number to be >=1; write false for none',
      '4:69 clients.a.outlierDetection.maxEjectionPercent Too big: expected number to be <=100',
      '4:84 clients.a.outlierDetection.interval must be between 100ms and 24h',
      '5:26 clients.a.healthCheck.path must begin with /',
      '5:54 clients.a.healthCheck.expectedStatuses.0 Too small: expected number to be >=100',
      '5:58 clients.a.healthCheck.expectedStatuses.1 Too big: expected number to be <=599',
      '5:82 clients.a.healthCheck.healthyThreshold Too small: expected number to be >=1',
      '6:24 clients.a.split.0.match.methods Too small: expected array to have >=1 items',
      '6:52 clients.a.split.0.match.path.regex is not a regular expression',
      '6:61 clients.a.split.0.targets Too small: expected array to have >=1 items',
      '6:61 clients.a.split.0.targets the weights sum to 0, so no target could be chosen; give at least one a weight above 0',
      '7:25 clients.a.mirror.0.baseURL expected a full http or https URL',
      '7:44 clients.a.mirror.0.fraction Too big: expected number to be <=1; write 0.02',
      '8:33 clients.a.fault.delay.duration must be between 1ms and 24h',
      '8:46 clients.a.fault.delay.fraction Too big: expected number to be <=1',
      '8:70 clients.a.fault.abort.status Too small: expected number to be >=200',
      '8:85 clients.a.fault.abort.fraction Too small: expected number to be >=0',
    ],
  },
  {
    with: 'empty lists and empty words',
    text: yaml`
      clients:
        a:
          baseURL: ""
          tls: { ca: [], pins: [], subjectAltNames: [""], serverName: "" }
          split: []
          mirror: []
    `,
    faults: [
      '3:14 clients.a.baseURL expected a full http or https URL',
      '4:12 clients.a.tls.ca Too small: expected array to have >=1 items',
      '4:20 clients.a.tls.pins Too small: expected array to have >=1 items',
      '4:48 clients.a.tls.subjectAltNames.0 Too small: expected string to have >=1 characters',
      '4:65 clients.a.tls.serverName Too small: expected string to have >=1 characters',
      '5:5 clients.a.split Too small: expected array to have >=1 items',
      '6:5 clients.a.mirror Too small: expected array to have >=1 items',
    ],
  },
];

export const rules: readonly Broken[] = [
  {
    with: 'an attempt that is longer than its call',
    text: yaml`
      clients:
        a:
          timeouts: { total: 1s, attempt: 2s }
    `,
    faults: [
      '3:37 clients.a.timeouts.attempt must not be longer than timeouts.total, or no attempt could ever reach it',
    ],
  },
  {
    with: 'an attempt that is longer than the call is by default',
    text: yaml`
      clients:
        a:
          timeouts:
            attempt: 30s
    `,
    faults: [
      '4:16 clients.a.timeouts.attempt must not be longer than timeouts.total, or no attempt could ever reach it',
    ],
  },
  {
    with: 'a longest wait that is shorter than the first',
    text: yaml`
      clients:
        a:
          retry:
            backoff: { base: 2s, max: 1s }
    `,
    faults: ['4:7 clients.a.retry.backoff max must not be shorter than base'],
  },
  {
    with: 'a longest wait that is shorter than the first is by default',
    text: yaml`
      clients:
        a:
          retry:
            backoff:
              max: 10ms
    `,
    faults: ['4:7 clients.a.retry.backoff max must not be shorter than base'],
  },
  {
    with: 'a split whose weights sum to 0',
    text: yaml`
      clients:
        a:
          split:
            - targets:
                - { name: b, baseURL: http://b.test, weight: 0 }
                - { name: c, baseURL: http://c.test, weight: 0 }
    `,
    faults: [
      '4:9 clients.a.split.0.targets the weights sum to 0, so no target could be chosen; give at least one a weight above 0',
    ],
  },
  {
    with: 'an endpoint that is left out longer at first than at most',
    text: yaml`
      clients:
        a:
          outlierDetection: { baseEjectionTime: 10m, maxEjectionTime: 5m }
    `,
    faults: ['3:65 clients.a.outlierDetection.maxEjectionTime must not be shorter than baseEjectionTime'],
  },
  {
    with: 'endpoints of two kinds',
    text: yaml`
      clients:
        a:
          baseURL: http://a.test
          endpoints:
            static: [{ address: "a.test:80" }]
            dns: { address: "a.test:80" }
    `,
    faults: ['4:5 clients.a.endpoints give exactly one of its options'],
  },
  {
    with: 'endpoints of nothing',
    text: yaml`
      clients:
        a:
          endpoints: { srv: { name: _a._tcp.test } }
    `,
    faults: ['3:5 clients.a.endpoints needs a baseURL: it names the server that the endpoints are'],
  },
  {
    with: 'hedges that the budget does not allow',
    text: yaml`
      clients:
        a:
          hedging: { percentile: 95 }
        b:
          hedging: { percentile: 95, budget: 0.05 }
    `,
    faults: [
      '3:28 clients.a.hedging.percentile asks for more hedges than `budget` allows, so the slowest calls would get none; set it to at least 100 * (1 - budget), or raise `budget`',
    ],
  },
  {
    with: 'a port that is none',
    text: yaml`
      clients:
        a:
          baseURL: http://a.test
          endpoints: { static: [{ address: "a.test:65536" }, { address: "a.test:65535" }] }
    `,
    faults: ['4:38 clients.a.endpoints.static.0.address expected host:port'],
  },
  {
    with: 'endpoints of no kind',
    text: yaml`
      clients:
        a:
          baseURL: http://a.test
          endpoints: {}
    `,
    faults: ['4:5 clients.a.endpoints give exactly one of its options'],
  },
  {
    with: 'a path to match of two kinds, and of none',
    text: yaml`
      clients:
        a:
          split:
            - match: { path: { prefix: /v1, exact: /v1 } }
              targets: [{ name: b, baseURL: http://b.test, weight: 1 }]
            - match: { path: {} }
              targets: [{ name: c, baseURL: http://c.test, weight: 1 }]
    `,
    faults: [
      '4:18 clients.a.split.0.match.path give exactly one of its options',
      '6:18 clients.a.split.1.match.path give exactly one of its options',
    ],
  },
  {
    with: 'a certificate without its key',
    text: yaml`
      clients:
        a:
          tls: { cert: /etc/a/tls.crt }
    `,
    faults: [
      '3:5 clients.a.tls.key cert and key must be given together',
      '3:18 clients.a.tls.cert (/etc/a/tls.crt): there is no such file',
    ],
  },
  {
    with: 'a key without its certificate',
    text: yaml`
      clients:
        a:
          tls: { key: /etc/a/tls.key }
    `,
    faults: [
      '3:5 clients.a.tls.cert cert and key must be given together',
      '3:17 clients.a.tls.key (/etc/a/tls.key): there is no such file',
    ],
  },
  {
    with: 'a certificate twice over',
    text: yaml`
      clients:
        a:
          tls:
            cert: /etc/a/tls.crt
            key: /etc/a/tls.key
            pfx: /etc/a/bundle.p12
    `,
    faults: [
      '4:13 clients.a.tls.cert (/etc/a/tls.crt): there is no such file',
      '5:12 clients.a.tls.key (/etc/a/tls.key): there is no such file',
      '6:12 clients.a.tls.pfx give either pfx or cert and key',
      '6:12 clients.a.tls.pfx (/etc/a/bundle.p12): there is no such file',
    ],
  },
  {
    with: 'a trust that is switched off and narrowed',
    text: yaml`
      clients:
        a:
          tls:
            ca: /etc/a/ca.crt
            rejectUnauthorized: false
    `,
    faults: [
      '4:11 clients.a.tls.ca (/etc/a/ca.crt): there is no such file',
      '5:27 clients.a.tls.rejectUnauthorized false would switch off the checks that the other tls options ask for; remove it',
    ],
  },
];

export const defaults: readonly Broken[] = [
  {
    with: 'a fault in the defaults of two clients',
    text: yaml`
      defaults:
        timeouts: { total: soon }
      clients:
        a: {}
        b: {}
    `,
    faults: ['2:22 defaults.timeouts.total expected milliseconds or a string such as "250ms" or "1.5s"'],
  },
  {
    with: 'an unknown key in the defaults of three clients',
    text: yaml`
      defaults:
        retires: 3
        retry: { backof: {} }
      clients: { a: {}, b: {}, c: {} }
    `,
    faults: [
      '2:3 defaults.retires unknown option, did you mean "retry"?',
      '3:12 defaults.retry.backof unknown option, did you mean "backoff"?',
    ],
  },
  {
    with: 'a fault in the defaults that one of two clients mends',
    text: yaml`
      defaults:
        timeouts: { total: soon }
      clients:
        a: { timeouts: { total: 5s } }
        b: {}
    `,
    faults: ['2:22 defaults.timeouts.total expected milliseconds or a string such as "250ms" or "1.5s"'],
  },
  {
    with: 'an attempt of the defaults that is longer than the call of one client',
    text: yaml`
      defaults:
        timeouts: { attempt: 5s }
      clients:
        a:
          timeouts: { total: 1s }
        b: {}
    `,
    faults: [
      '2:24 defaults.timeouts.attempt must not be longer than timeouts.total, or no attempt could ever reach it',
    ],
  },
  {
    with: 'a call of the defaults that is shorter than the attempt of one client',
    text: yaml`
      defaults:
        timeouts: { total: 1s }
      clients:
        a: {}
        b:
          timeouts: { attempt: 5s }
    `,
    faults: [
      '6:26 clients.b.timeouts.attempt must not be longer than timeouts.total, or no attempt could ever reach it',
    ],
  },
  {
    with: 'a certificate in the defaults and a bundle in one client',
    text: yaml`
      defaults:
        tls: { cert: /etc/a/tls.crt, key: /etc/a/tls.key }
      clients:
        a:
          tls: { pfx: /etc/a/bundle.p12 }
    `,
    faults: [
      '2:16 defaults.tls.cert (/etc/a/tls.crt): there is no such file',
      '2:37 defaults.tls.key (/etc/a/tls.key): there is no such file',
      '5:17 clients.a.tls.pfx give either pfx or cert and key',
      '5:17 clients.a.tls.pfx (/etc/a/bundle.p12): there is no such file',
    ],
  },
  {
    with: 'endpoints of one kind in the defaults and another in one client',
    text: yaml`
      defaults:
        endpoints: { dns: { address: "a.test:80" } }
      clients:
        a:
          baseURL: http://a.test
          endpoints: { srv: { name: _a._tcp.test } }
    `,
    faults: ['6:5 clients.a.endpoints give exactly one of its options'],
  },
  {
    with: 'false for an option that is no section',
    text: yaml`
      defaults: { baseURL: http://a.test }
      clients:
        a: { baseURL: false, headers: false }
    `,
    faults: [
      '3:17 clients.a.baseURL expected text; put it in quotes, or leave it out',
      '3:33 clients.a.headers expected an object of names and values',
    ],
  },
  {
    with: 'false for an optional section in the defaults',
    text: yaml`
      defaults:
        tls: false
      clients: { a: {} }
    `,
    faults: ['2:8 defaults.tls expected an object; leave it out, and it is off'],
  },
  {
    with: 'a section of the defaults that a client leaves empty',
    text: yaml`
      defaults:
        retry: { maxRetries: 1 }
      clients:
        a:
          retry:
    `,
    faults: [
      '5:11 clients.a.retry expected an object or false; it is empty: indent its options under it, or leave it out',
    ],
  },
  {
    with: 'a fault behind an alias',
    text: yaml`
      x-slow: &slow { total: forever }
      clients:
        a: { timeouts: *slow }
        b: { timeouts: *slow }
    `,
    faults: [
      '3:18 clients.a.timeouts.total expected milliseconds or a string such as "250ms" or "1.5s"',
      '4:18 clients.b.timeouts.total expected milliseconds or a string such as "250ms" or "1.5s"',
    ],
  },
];

export const references: readonly Broken[] = [
  {
    with: 'a variable that is not set',
    text: yaml`
      clients:
        a:
          baseURL: http://\${USERS_HOST}
    `,
    faults: [
      '3:14 clients.a.baseURL the environment variable USERS_HOST is not set; set it, or write ${USERS_HOST:-default}',
    ],
  },
  {
    with: 'two variables that are not set, in one value',
    text: yaml`
      clients:
        a:
          baseURL: http://\${USERS_HOST}:\${USERS_PORT}/\${VERSION:-v1}
    `,
    faults: [
      '3:14 clients.a.baseURL the environment variable USERS_HOST is not set; set it, or write ${USERS_HOST:-default}',
      '3:14 clients.a.baseURL the environment variable USERS_PORT is not set; set it, or write ${USERS_PORT:-default}',
    ],
  },
  {
    with: 'a variable that is not set in the defaults of two clients',
    text: yaml`
      defaults:
        headers: { x-region: "\${REGION}" }
      clients: { a: {}, b: {} }
    `,
    faults: [
      '2:24 defaults.headers.x-region the environment variable REGION is not set; set it, or write ${REGION:-default}',
    ],
  },
  {
    with: 'a default that is no value of its option',
    text: yaml`
      clients:
        a:
          retry: { maxRetries: "\${RETRIES:-some}" }
    `,
    faults: ['3:26 clients.a.retry.maxRetries expected a whole number from 0 to 10; it comes from ${RETRIES}'],
  },
  {
    with: 'a reference in the forms of other tools',
    text: yaml`
      clients:
        a:
          baseURL: http://\${env:HOST}
          headers: { x-a: "\${HOST-default}", x-b: "\${1}", x-c: "\${}", x-d: "\${my-host}" }
    `,
    faults: [
      '3:14 clients.a.baseURL has an invalid reference; valid forms are ${NAME}, ${NAME:-default}, ${file:/path}; for a literal ${ write $${',
      '4:21 clients.a.headers.x-a has an invalid reference; valid forms are ${NAME}, ${NAME:-default}, ${file:/path}; for a literal ${ write $${',
      '4:45 clients.a.headers.x-b has an invalid reference; valid forms are ${NAME}, ${NAME:-default}, ${file:/path}; for a literal ${ write $${',
      '4:58 clients.a.headers.x-c has an invalid reference; valid forms are ${NAME}, ${NAME:-default}, ${file:/path}; for a literal ${ write $${',
      '4:70 clients.a.headers.x-d has an invalid reference; valid forms are ${NAME}, ${NAME:-default}, ${file:/path}; for a literal ${ write $${',
    ],
  },
  {
    with: 'a reference that is not closed',
    text: yaml`
      clients:
        a:
          baseURL: http://\${HOST/v1
    `,
    faults: [
      '3:14 clients.a.baseURL has an invalid reference; valid forms are ${NAME}, ${NAME:-default}, ${file:/path}; for a literal ${ write $${',
    ],
  },
  {
    with: 'a file that is not there',
    text: yaml`
      clients:
        a:
          headers: { authorization: "Bearer \${file:/nowhere/token}" }
    `,
    faults: ['3:31 clients.a.headers.authorization there is no file /nowhere/token'],
  },
  {
    with: 'a folder in place of a file',
    text: yaml`
      clients:
        a:
          headers: { authorization: "Bearer \${file:/}" }
    `,
    faults: ['3:31 clients.a.headers.authorization / cannot be read (EISDIR)'],
  },
  {
    with: 'a file without a path',
    text: yaml`
      clients:
        a:
          headers: { authorization: "Bearer \${file:}" }
    `,
    faults: [
      '3:31 clients.a.headers.authorization has an invalid reference; valid forms are ${NAME}, ${NAME:-default}, ${file:/path}; for a literal ${ write $${',
    ],
  },
  {
    with: 'the characters of a reference, which make no URL',
    text: yaml`
      clients:
        a:
          baseURL: $\${HOST}
    `,
    faults: ['3:14 clients.a.baseURL expected a full http or https URL'],
  },
  {
    with: 'a number out of range in a variable',
    text: yaml`
      clients:
        a:
          retry: { maxRetries: "\${MANY}" }
    `,
    faults: ['3:26 clients.a.retry.maxRetries Too big: expected number to be <=10; it comes from ${MANY}'],
  },
  {
    with: 'variables of the wrong kind',
    text: yaml`
      clients:
        a:
          baseURL: \${BROKEN_URL}
          allowH2: \${FEW}
          retry: \${WORD}
          timeouts: { total: "\${WORD}" }
          limits: { maxRequests: "\${EMPTY}" }
    `,
    faults: [
      '3:14 clients.a.baseURL expected a full http or https URL; it comes from ${BROKEN_URL}',
      '3:14 clients.a.baseURL must not have a query, a fragment or white space; it comes from ${BROKEN_URL}',
      '4:14 clients.a.allowH2 expected true or false or "prior-knowledge"; it comes from ${FEW}',
      '5:12 clients.a.retry expected an object or false; it comes from ${WORD}',
      '6:24 clients.a.timeouts.total expected milliseconds or a string such as "250ms" or "1.5s"; it comes from ${WORD}',
      '7:28 clients.a.limits.maxRequests expected a whole number from 1 to 1000000; ${EMPTY} is empty',
    ],
  },
  {
    with: 'a variable of two lines in a header',
    text: yaml`
      clients:
        a:
          headers: { x-note: "\${TWO_LINES}" }
    `,
    faults: ['3:24 clients.a.headers.x-note expected one line of text; it comes from ${TWO_LINES}'],
  },
  {
    with: 'a reference as a key',
    text: yaml`
      clients:
        \${HOST}: {}
    `,
    faults: [
      '2:3 clients.${HOST} the name of a client may only have letters, digits and . _ - / (at most 100 characters)',
    ],
  },
  {
    with: 'a reference in place of all clients',
    text: yaml`
      clients: \${HOST}
    `,
    faults: ['1:10 clients expected at least one client, by name'],
  },
];

export const texts: readonly Broken[] = [
  {
    with: 'a URL without its scheme',
    text: yaml`
      clients:
        a: { baseURL: api.test/v1 }
    `,
    faults: ['2:17 clients.a.baseURL expected a full http or https URL'],
  },
  {
    with: 'a URL of another scheme',
    text: yaml`
      clients:
        a: { baseURL: ftp://api.test }
    `,
    faults: ['2:17 clients.a.baseURL expected a full http or https URL'],
  },
  {
    with: 'a host and port in place of a URL',
    text: yaml`
      clients:
        a: { baseURL: "localhost:8080" }
    `,
    faults: ['2:17 clients.a.baseURL expected a full http or https URL'],
  },
  {
    with: 'a URL with a query, and one with a fragment',
    text: yaml`
      clients:
        a: { baseURL: "http://api.test/?key=1" }
        b: { baseURL: "http://api.test/#top" }
    `,
    faults: [
      '2:17 clients.a.baseURL must not have a query, a fragment or white space',
      '3:17 clients.b.baseURL must not have a query, a fragment or white space',
    ],
  },
  {
    with: 'a URL with a port that is none',
    text: yaml`
      clients:
        a: { baseURL: "http://api.test:99999" }
    `,
    faults: ['2:17 clients.a.baseURL expected a full http or https URL'],
  },
  {
    with: 'a URL with a space at its end',
    text: yaml`
      clients:
        a: { baseURL: "http://api.test " }
    `,
    faults: ['2:17 clients.a.baseURL must not have a query, a fragment or white space'],
  },
  {
    with: 'pins that are none',
    text: yaml`
      clients:
        a:
          tls:
            pins:
              - short
              - sha1/AAAAAAAAAAAAAAAAAAAAAAAAAAA=
              - "AA:BB:CC"
              - 12
    `,
    faults: [
      '5:11 clients.a.tls.pins.0 expected the base64 SHA-256 of a public key',
      '6:11 clients.a.tls.pins.1 expected the base64 SHA-256 of a public key',
      '7:11 clients.a.tls.pins.2 expected the base64 SHA-256 of a public key',
      '8:11 clients.a.tls.pins.3 expected text; put it in quotes',
    ],
  },
  {
    with: 'header names that are none',
    text: yaml`
      clients:
        a:
          headers: { "x team": payments, "x-team:": payments, "": payments }
          tracing: { requestIdHeader: "x request id" }
    `,
    faults: [
      '3:16 clients.a.headers.x team expected the name of a header',
      '3:36 clients.a.headers.x-team: expected the name of a header',
      '3:57 clients.a.headers. expected the name of a header',
      '4:33 clients.a.tracing.requestIdHeader expected the name of a header',
    ],
  },
  {
    with: 'a header of tracing that has no name of a header',
    text: yaml`
      clients:
        a:
          tracing: { requestIdHeader: "x request id", attemptCountHeader: true }
    `,
    faults: [
      '3:33 clients.a.tracing.requestIdHeader expected the name of a header',
      '3:69 clients.a.tracing.attemptCountHeader expected text or false',
    ],
  },
  {
    with: 'header values that are none',
    text: yaml`
      clients:
        a:
          headers: { x-lines: "one\\ntwo", x-number: 5, x-truth: true, x-list: [a, b], x-emoji: "🙂" }
    `,
    faults: [
      '3:25 clients.a.headers.x-lines expected one line of text',
      '3:47 clients.a.headers.x-number expected text; put it in quotes',
      '3:59 clients.a.headers.x-truth expected text; put it in quotes',
      '3:65 clients.a.headers.x-list expected text; it takes one value, not a list',
      '3:90 clients.a.headers.x-emoji expected one line of text',
    ],
  },
];

export const several: readonly Broken[] = [
  {
    with: 'many faults, which are reported in the order of its lines',
    text: yaml`
      version: 2
      defaults:
        timeouts: { total: 5s, atempt: 1s }
        headers: { "x team": a }
      clients:
        users:
          baseURL: users.test
          retries: 3
          retry: { maxRetries: 20 }
        bad name: {}
        billing:
          timeouts: { attempt: 10s }
          limits: { maxRequests: many }
          headers: { authorization: "Bearer \${TOKEN}" }
        orders: http://orders.test
    `,
    faults: [
      '1:1 version unknown option (known: defaults, clients, $schema)',
      '3:26 defaults.timeouts.atempt unknown option, did you mean "attempt"?',
      '4:14 defaults.headers.x team expected the name of a header',
      '7:14 clients.users.baseURL expected a full http or https URL',
      '8:5 clients.users.retries unknown option, did you mean "retry.maxRetries"?',
      '9:26 clients.users.retry.maxRetries Too big: expected number to be <=10',
      '10:3 clients.bad name the name of a client may only have letters, digits and . _ - / (at most 100 characters)',
      '12:26 clients.billing.timeouts.attempt must not be longer than timeouts.total, or no attempt could ever reach it',
      '13:28 clients.billing.limits.maxRequests expected a whole number from 1 to 1000000',
      '14:31 clients.billing.headers.authorization the environment variable TOKEN is not set; set it, or write ${TOKEN:-default}',
      '15:11 clients.orders expected an object; write its baseURL under it',
    ],
  },
  {
    with: 'several faults on one line, reported in the order of its columns',
    text: yaml`
      clients: { a: { retires: 3, maxRedirects: -1, baseURL: a.test, timeouts: { total: soon } } }
    `,
    faults: [
      '1:17 clients.a.retires unknown option, did you mean "retry"?',
      '1:43 clients.a.maxRedirects Too small: expected number to be >=0',
      '1:56 clients.a.baseURL expected a full http or https URL',
      '1:83 clients.a.timeouts.total expected milliseconds or a string such as "250ms" or "1.5s"',
    ],
  },
  {
    with: 'two syntax faults, which are reported before anything else is looked at',
    text: yaml`
      clients:
        a: { retry: [1 }
        b: { retires: 3 }
        c: "x
    `,
    faults: [
      '2:18 flow sequence in block collection must be sufficiently indented and end with a ]',
      '3:3 flow map in block collection must be sufficiently indented and end with a }',
      '5:1 missing closing "quote',
    ],
  },
];

export const broken: Readonly<Record<string, readonly Broken[]>> = {
  'YAML that cannot be read': yamlSyntax,
  'JSON that cannot be read': jsonSyntax,
  'more than a file may hold': tooMuch,
  'the shape of the file': shape,
  'unknown keys': unknownKeys,
  'wrong types': types,
  'values out of range': ranges,
  'rules between options': rules,
  defaults: defaults,
  references,
  'texts of a certain form': texts,
  'several faults': several,
};
