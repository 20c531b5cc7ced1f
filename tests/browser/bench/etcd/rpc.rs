//! The three calls of etcd's API that are needed here, after `etcd/api/etcdserverpb/rpc.proto`.
//! Fields that nobody looks at are left out, as Protocol Buffers allow.

use prost::Message;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Request, Status};
use tonic_prost::ProstCodec;

#[derive(Clone, PartialEq, Message)]
pub struct Header {
    #[prost(uint64, tag = "2")]
    pub member_id: u64,
    #[prost(int64, tag = "3")]
    pub revision: i64,
}

#[derive(Clone, PartialEq, Message)]
struct PutRequest {
    #[prost(bytes = "vec", tag = "1")]
    key: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct PutResponse {
    #[prost(message, optional, tag = "1")]
    header: Option<Header>,
}

#[derive(Clone, PartialEq, Message)]
struct RangeRequest {
    #[prost(bytes = "vec", tag = "1")]
    key: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    range_end: Vec<u8>,
    #[prost(bool, tag = "9")]
    count_only: bool,
}

#[derive(Clone, PartialEq, Message)]
pub struct KeyValue {
    #[prost(bytes = "vec", tag = "5")]
    pub value: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub struct RangeResponse {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(message, repeated, tag = "2")]
    pub kvs: Vec<KeyValue>,
    #[prost(int64, tag = "4")]
    pub count: i64,
}

#[derive(Clone, PartialEq, Message)]
struct StatusRequest {}

#[derive(Clone, PartialEq, Message)]
pub struct StatusResponse {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(string, tag = "2")]
    pub version: String,
    #[prost(uint64, tag = "4")]
    pub leader: u64,
    #[prost(uint64, tag = "5")]
    pub raft_index: u64,
}

async fn call<Q, A>(channel: &Channel, path: &'static str, ask: Q) -> Result<A, Status>
where
    Q: Message + Send + Sync + 'static,
    A: Message + Default + Send + Sync + 'static,
{
    let mut client = tonic::client::Grpc::new(channel.clone());
    client
        .ready()
        .await
        .map_err(|error| Status::unavailable(error.to_string()))?;
    let path = PathAndQuery::from_static(path);
    let answer = client.unary(Request::new(ask), path, ProstCodec::default());
    Ok(answer.await?.into_inner())
}

pub async fn put(channel: &Channel, key: Vec<u8>, value: Vec<u8>) -> Result<(), Status> {
    let ask = PutRequest { key, value };
    call::<_, PutResponse>(channel, "/etcdserverpb.KV/Put", ask).await?;
    Ok(())
}

/// A linearizable read, which is etcd's default.
pub async fn get(channel: &Channel, key: Vec<u8>) -> Result<RangeResponse, Status> {
    let ask = RangeRequest {
        key,
        range_end: vec![],
        count_only: false,
    };
    call(channel, "/etcdserverpb.KV/Range", ask).await
}

/// How many keys there are.
pub async fn count(channel: &Channel) -> Result<RangeResponse, Status> {
    // From the least key on, without an end.
    let ask = RangeRequest {
        key: vec![0],
        range_end: vec![0],
        count_only: true,
    };
    call(channel, "/etcdserverpb.KV/Range", ask).await
}

pub async fn status(channel: &Channel) -> Result<StatusResponse, Status> {
    call(
        channel,
        "/etcdserverpb.Maintenance/Status",
        StatusRequest {},
    )
    .await
}
