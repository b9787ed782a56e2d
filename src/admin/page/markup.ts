/** The page's frame, and the templates that the script fills. */
export const markup = `<header>
  <h1>pillion</h1>
  <p id="overall" class="badge" role="status"></p>
  <p id="config"></p>
  <label class="filter">Filter <kbd>/</kbd> <input id="filter" type="search" autocomplete="off" spellcheck="false"></label>
</header>
<p id="lost" role="alert" hidden>No connection. The figures below are old; trying again.</p>
<form id="login" hidden>
  <label for="token">Token</label>
  <input id="token" type="password" autocomplete="off" required>
  <button>Show</button>
  <p id="refused" role="alert"></p>
</form>
<main id="clients"><p id="waiting">Waiting for the first figures.</p></main>
<footer>One snapshot a second; plots show the last two minutes. Percentiles are over half a minute.</footer>
<template id="client">
  <details class="client" open>
    <summary>
      <h2></h2>
      <span class="badge"></span>
      <span class="brief"></span>
    </summary>
    <ul class="reasons"></ul>
    <dl class="figures">
      <div class="wide"><dt>Calls per second</dt><dd data-figure="rate"></dd><dd class="plot" data-plot="rate"></dd></div>
      <div class="wide"><dt>Errors</dt><dd data-figure="errors"></dd><dd class="plot bad" data-plot="errors"></dd></div>
      <div class="wide"><dt>p99</dt><dd data-figure="p99"></dd><dd class="plot" data-plot="p99"></dd></div>
      <div><dt>p50</dt><dd data-figure="p50"></dd></div>
      <div><dt>Under way</dt><dd data-figure="active"></dd></div>
      <div><dt>Waiting</dt><dd data-figure="pending"></dd></div>
      <div><dt>Connections</dt><dd data-figure="connections"></dd></div>
      <div><dt>Retries left</dt><dd data-figure="budget"></dd></div>
      <div><dt>Certificate</dt><dd data-figure="certificate"></dd></div>
    </dl>
    <section class="circuits"><h3>Circuits</h3><ul></ul><div class="force" role="group"></div></section>
    <section class="endpoints"><h3>Endpoints</h3><ul></ul></section>
  </details>
</template>
`;
