// A short story through the unmodified @jitsu/js, which answers each call once it was delivered or given up.
import { jitsuAnalytics } from '@jitsu/js'
import { text } from 'node:stream/consumers'

const { key, host } = JSON.parse(await text(process.stdin))
const jitsu = jitsuAnalytics({ writeKey: `${key}:secret`, host })
const tea = { product_id: 'p-1', name: 'Tea', price: 12.5, quantity: 2 }
const answers = [
  await jitsu.identify('u-1', { plan: 'pro' }),
  await jitsu.page('Home', { url: 'https://shop.test/?utm_source=news', title: 'Start' }),
  await jitsu.track('Order Completed', { order_id: 'o-1', revenue: 99.5, currency: 'EUR', products: [tea] }),
]
console.log(JSON.stringify(answers.length))
