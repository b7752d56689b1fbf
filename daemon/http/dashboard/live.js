// Values from devices reach the page as text nodes only, never as markup.
'use strict'
;(() => {
  const EVERY_MS = 1000
  const HISTORY = 120
  const TONES = {
    ready: 'good', connected: 'good', running: 'good', ok: 'good',
    degraded: 'warn', connecting: 'warn', waiting: 'warn', backoff: 'warn',
    unready: 'bad', disconnected: 'bad', failed: 'bad',
  }
  const history = []
  let answeredAt = 0

  const $ = (id) => document.getElementById(id)
  // Only what changed is written, so that selections stay and screen readers hear only news.
  const text = (element, value) => {
    const wanted = value === '' ? '\u00a0' : value
    if (element.textContent !== wanted) element.textContent = wanted
  }
  const create = (name, className, value) => {
    const element = document.createElement(name)
    if (className) element.className = className
    if (value !== undefined) element.textContent = value
    return element
  }

  const whole = new Intl.NumberFormat('en')
  const rate = (value) => (value >= 100 || Number.isInteger(value) ? whole.format(Math.round(value)) : value.toFixed(1))
  const bytes = (value) => {
    const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
    let step = 0
    for (; value >= 1024 && step < units.length - 1; step += 1) value /= 1024
    return `${value >= 100 || step === 0 ? Math.round(value) : value.toFixed(1)} ${units[step]}`
  }
  const span = (ms) => {
    const s = Math.max(0, Math.round(ms / 1000))
    if (ms < 1000) return `${Math.round(ms)} ms`
    if (s < 60) return `${s} s`
    if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`
    if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`
    return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`
  }

  const badge = (element, state) => {
    text(element, state)
    const tone = TONES[state] ?? 'none'
    if (element.dataset.tone !== tone) element.dataset.tone = tone
  }
  const cells = {
    name: (value, note) => {
      const cell = create('th', '', value)
      cell.scope = 'row'
      cell.append(create('small', '', note))
      return cell
    },
    state: (value) => {
      const cell = create('td')
      const mark = create('span', 'badge')
      badge(mark, value)
      cell.append(mark)
      return cell
    },
    number: (value) => create('td', 'n', value),
    plain: (value) => create('td', '', value),
    error: (value) => create('td', 'error', value ?? '–'),
  }
  const fill = (body, entries, columns, nothing, toCells) => {
    const key = JSON.stringify(entries)
    if (body.dataset.shown === key) return
    body.dataset.shown = key
    const rows = entries.map((entry) => {
      const row = create('tr')
      row.append(...toCells(entry))
      return row
    })
    if (rows.length === 0) {
      const row = create('tr')
      const cell = create('td', 'empty', nothing)
      cell.colSpan = columns
      row.append(cell)
      rows.push(row)
    }
    body.replaceChildren(...rows)
  }

  const drawSpark = () => {
    const top = Math.max(1, ...history)
    const points = history.map((value, i) => `${(120 - (history.length - 1 - i) * (120 / (HISTORY - 1))).toFixed(1)},${(26 - (value / top) * 24).toFixed(1)}`)
    const first = (120 - (history.length - 1) * (120 / (HISTORY - 1))).toFixed(1)
    const line = `M${points.join('L')}`
    $('spark').querySelector('.line').setAttribute('d', line)
    $('spark').querySelector('.area').setAttribute('d', `${line}L120,28L${first},28Z`)
  }

  const show = (live) => {
    const { gateway, health, broker, rates, totals, store } = live
    document.title = `${gateway.id} · StepFlow Edge`
    const clock = gateway.clockSynced ? '' : ' · clock not synchronised'
    text($('gateway'), `${gateway.id} · ${gateway.version} · up ${span(gateway.uptimeMs)}${clock}`)
    badge($('health'), health.ready ? (health.degraded ? 'degraded' : 'ready') : 'unready')
    const reasons = $('reasons')
    reasons.hidden = health.reasons.length === 0
    reasons.dataset.tone = health.ready ? 'warn' : 'bad'
    const key = JSON.stringify(health.reasons)
    if (reasons.dataset.shown !== key) {
      reasons.dataset.shown = key
      reasons.replaceChildren(...health.reasons.map((reason) => create('li', '', reason)))
    }

    text($('clients'), whole.format(broker.clients))
    text($('clients-note'), broker.maxClients === undefined ? 'connected' : `connected, of at most ${whole.format(broker.maxClients)}`)
    text($('received'), rate(rates.received))
    text($('forwarded'), rate(rates.forwarded))
    text($('forwarded-note'), `${whole.format(totals.forwarded)} since the start`)
    text($('rejected'), rate(rates.rejected))
    text($('rejected-note'), `${whole.format(totals.rejected)} rejected, ${whole.format(totals.deadLettered)} dead letters`)
    history.push(rates.received)
    if (history.length > HISTORY) history.shift()
    drawSpark()

    const percent = store.maxBytes > 0 ? Math.min(100, (store.usedBytes / store.maxBytes) * 100) : 0
    text($('store'), bytes(store.usedBytes))
    text($('store-note'), `of ${bytes(store.maxBytes)}, ${whole.format(store.messages)} messages`)
    const meter = $('meter')
    meter.setAttribute('aria-valuenow', percent.toFixed(0))
    meter.dataset.tone = percent >= 95 ? 'bad' : percent >= 80 ? 'warn' : 'none'
    meter.firstElementChild.style.width = `${percent}%`

    fill($('destinations'), live.destinations, 6, 'None: messages stay with this gateway.', (to) => [
      cells.name(to.name, to.protocol),
      cells.state(to.state),
      cells.number(whole.format(to.queued)),
      cells.number(to.oldestMs === null ? '–' : span(to.oldestMs)),
      cells.number(`${rate(to.forwardedPerSecond)}/s`),
      cells.error(to.lastError),
    ])
    fill($('sensors'), live.sensors, 4, 'None configured.', (sensor) => [
      cells.name(sensor.name, sensor.type),
      cells.state(sensor.state),
      cells.plain(sensor.lastReadingAt === null ? '–' : new Date(sensor.lastReadingAt).toLocaleTimeString()),
      cells.error(sensor.lastError),
    ])
  }

  const poll = async () => {
    const started = performance.now()
    try {
      if (!document.hidden) {
        const response = await fetch('/live.json', { cache: 'no-store', signal: AbortSignal.timeout(5000) })
        if (!response.ok) throw new Error(`HTTP ${response.status}`)
        show(await response.json())
        answeredAt = Date.now()
        document.body.classList.remove('stale')
        text($('updated'), `Updated ${new Date(answeredAt).toLocaleTimeString()}`)
      }
    } catch (error) {
      document.body.classList.add('stale')
      badge($('health'), 'no answer')
      const since = answeredAt === 0 ? '' : ` since ${new Date(answeredAt).toLocaleTimeString()}`
      text($('updated'), `The gateway does not answer${since} (${error.message})`)
    }
    setTimeout(poll, Math.max(100, EVERY_MS - (performance.now() - started)))
  }
  void poll()
})()
