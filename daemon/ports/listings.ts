/** Registered documents as the API and embedding programs see them, with the column names of the tables. */

export interface MessageListing {
  id: string
  message_name: string
  message_type: 'publish' | 'subscribe'
  content_type: string
  description: string | null
}

export interface ChannelListing {
  id: string
  asyncapi_document_id: string
  /** The address, or the channel's id if it has none. */
  channel_name: string
  protocol: string
  description: string | null
  publish_operations: object[]
  subscribe_operations: object[]
  parameters: object[]
  status: string
  messages: MessageListing[]
  created_at: string
  updated_at: string
}

export interface SchemaListing {
  id: string
  message_name: string
  channel_id: string
  content_type: string
  schema_format: string
  payload_schema: unknown
  headers_schema: unknown
  examples: object[]
}

export interface DocumentListing {
  id: string
  name: string
  version: string
  base_url: string | null
  /** `superseded`: another version of this name is in force. */
  status: 'active' | 'superseded'
  mode: 'strict' | 'lenient'
  source: 'api' | 'file'
  file: string | null
  pinned: boolean
  channel_count: number
  created_at: string
  updated_at: string
}
