/** The page's HTML: its layout, and the template of a client's card that the script fills. */
export const markup = `<header>
  <h1>pillion</h1>
  <p id="overall" role="status"></p>
  <p id="config"></p>
  <label class="filter"><span>Filter <kbd>/</kbd></span><input id="filter" type="search" autocomplete="off" spellcheck="false"></label>
</header>
<p id="lost" role="alert" hidden></p>
<form id="login" hidden>
  <label for="token">Token</label>
  <input id="token" type="password" autocomplete="off" required>
  <button>Show</button>
  <p id="refused" role="alert"></p>
</form>
<main id="clients"></main>
<p id="none" hidden></p>
<footer>Updated every second. Plots show the last two minutes; percentiles cover the last 30 seconds.</footer>
<template id="client">
  <details class="client" open>
    <summary>
      <h2></h2>
      <span class="badge"></span>
      <span class="brief"></span>
    </summary>
    <ul class="reasons"></ul>
    <dl class="plotted">
      <div>
        <dt>Calls</dt>
        <dd class="value"><b data-figure="rate"></b> <span>per second</span></dd>
        <dd class="plot" data-plot="rate"></dd>
      </div>
      <div>
        <dt>Errors</dt>
        <dd class="value"><b data-figure="ratio"></b> <span data-figure="errors"></span></dd>
        <dd class="plot bad" data-plot="errors"></dd>
      </div>
      <div>
        <dt>Latency</dt>
        <dd class="value"><b data-figure="p99"></b> <span>p99</span> <b class="second" data-figure="p50"></b> <span class="dashed">p50</span></dd>
        <dd class="plot" data-plot="latency"></dd>
      </div>
    </dl>
    <dl class="facts">
      <div><dt>Active calls</dt><dd data-figure="active"></dd><dd class="note" data-figure="attempts"></dd></div>
      <div><dt>Requests</dt><dd data-figure="running"></dd><dd class="note" data-figure="maxRunning"></dd></div>
      <div><dt>Queued</dt><dd data-figure="pending"></dd><dd class="note" data-figure="maxPending"></dd></div>
      <div><dt>Connections</dt><dd data-figure="connections"></dd><dd class="note" data-figure="idle"></dd></div>
      <div><dt>Retry budget</dt><dd data-figure="budget"></dd><dd class="note" data-figure="budgetNote"></dd></div>
      <div><dt>Certificate</dt><dd data-figure="certificate"></dd><dd class="note" data-figure="subject"></dd></div>
    </dl>
    <section class="destinations">
      <h3>Destinations</h3>
      <div class="force" role="group"></div>
      <p class="told" role="status"></p>
      <ul></ul>
    </section>
  </details>
</template>
`;
