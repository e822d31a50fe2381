// Sends hits through the unmodified matomo-tracker: one by one, then the rest as a bulk; says what came back.
import MatomoTracker from 'matomo-tracker'
import { text } from 'node:stream/consumers'

const { idsite, url, single, bulk } = JSON.parse(await text(process.stdin))
const matomo = new MatomoTracker(idsite, url)
const errors = []
matomo.on('error', (error) => errors.push(String(error)))
for (const hit of single) matomo.track(hit)
const answer = await new Promise((done) => matomo.trackBulk(bulk, done))
console.log(JSON.stringify({ errors, answer: JSON.parse(answer) }))
process.exit() // it leaves its answers unread, and with them its connections open
