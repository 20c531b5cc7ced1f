fn main() {
    tabraft_web::host::worker::run();
}
