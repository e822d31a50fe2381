// Tells a short story through the unmodified @snowplow/node-tracker; ends when every request was answered.
import { newTracker, buildPageView, buildSelfDescribingEvent, buildStructEvent } from '@snowplow/node-tracker'
import { text } from 'node:stream/consumers'

const { appId, host, port, method, user, at } = JSON.parse(await text(process.stdin))
const statuses = []
const tracker = newTracker(
  { namespace: 'ns', appId, encodeBase64: true },
  {
    endpoint: `http://${host}:${port}`,
    eventMethod: method,
    bufferSize: 1,
    onRequestSuccess: (_, response) => statuses.push(response.status),
    onRequestFailure: (failure) => statuses.push(failure.status ?? String(failure.message)),
  },
)
tracker.setUserId(user)
const when = (n) => ({ type: 'ttm', value: at + n * 1000 })
tracker.track(buildPageView({ pageUrl: 'https://shop.test/?utm_source=news', pageTitle: 'Start' }), null, when(0))
tracker.track(buildStructEvent({ category: 'shop', action: 'add-to-basket', value: 2.5 }), null, when(1))
tracker.track(
  buildSelfDescribingEvent({
    event: {
      schema: 'iglu:com.snowplowanalytics.snowplow.ecommerce/snowplow_ecommerce_action/jsonschema/1-0-2',
      data: { type: 'transaction' },
    },
  }),
  [
    {
      schema: 'iglu:com.snowplowanalytics.snowplow.ecommerce/transaction/jsonschema/1-0-0',
      data: { transaction_id: 'o-1', revenue: 99.5, currency: 'EUR', payment_method: 'card' },
    },
    {
      schema: 'iglu:com.snowplowanalytics.snowplow.ecommerce/product/jsonschema/1-0-0',
      data: { id: 'p-1', name: 'Tea', category: 'Drinks', price: 12.5, quantity: 2, currency: 'EUR' },
    },
  ],
  when(2),
)
await tracker.flush()
const patience = Date.now() + 30_000
while (statuses.length < 1 && Date.now() < patience) await new Promise((done) => setTimeout(done, 50))
await new Promise((done) => setTimeout(done, 1000))
console.log(JSON.stringify(statuses))
